package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tercel-workflows/tercel/examples/local"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

const (
	expenseMachine = "expense-approval"
	expenseName    = "lisbon"
)

// expense runs an expense, and decides it as people would: by opening the links that they are sent, and pressing a button.
func (s *stage) expense(ctx context.Context) error {
	input, err := os.ReadFile("examples/expense-approval/input.json")
	if err != nil {
		return fmt.Errorf("reading the expense: %w", err)
	}
	started, err := s.tercel.Client().Start(ctx, expenseMachine, wire.Start{Name: expenseName, Input: input})
	if err != nil {
		return err
	}
	say("started %s/%s", expenseMachine, started.Name)
	for _, decision := range []struct {
		state, who string
		fields     map[string]string
	}{
		{"AskTeam", "ada@example.com", map[string]string{"Account": `"travel"`}},
		{"AskFinance", "carol@example.com", nil},
		{"AskFinance", "erin@example.com", nil},
	} {
		m, err := local.AwaitMessage(ctx, filepath.Join(s.dir, "expense", "outbox"), "asked", decision.who, expenseName, decision.state)
		if err != nil {
			return err
		}
		say("%s is asked: %s", decision.who, m.Approval.Title)
		say("    opens %s...", m.Link[:min(len(m.Link), 60)])
		if _, err := local.Press(ctx, m.Link, "approve", decision.fields, ""); err != nil {
			return err
		}
		say("    and presses %s", green("Approve"))
	}
	end, err := s.tercel.Client().Wait(ctx, started.ID)
	if err != nil {
		return fmt.Errorf("waiting for the expense: %w", err)
	}
	if err := expect(end, "SUCCEEDED"); err != nil {
		return err
	}
	say("%s, with", green(end.Status))
	return show(end.Output)
}
