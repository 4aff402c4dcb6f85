package expense_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/examples/local"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// world is Tercel as a process, in a folder with the example and its outbox.
type world struct {
	t      *testing.T
	ctx    context.Context
	dir    string
	tercel *local.Tercel
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, dir: t.TempDir()}
	binary := filepath.Join(w.dir, "tercel")
	must(t, local.Build(ctx, "../../cmd/tercel", binary))
	must(t, local.CopyExample(".", w.dir))
	port, err := local.FreePort()
	must(t, err)
	w.tercel, err = local.StartTercel(ctx, binary, w.dir, port, nil, "--ephemeral")
	must(t, err)
	t.Cleanup(func() {
		if err := w.tercel.Stop(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// claim starts an execution: the example's input, with changes.
func (w *world) claim(name string, changes map[string]any) {
	w.t.Helper()
	text, err := os.ReadFile("input.json")
	must(w.t, err)
	var input map[string]any
	must(w.t, json.Unmarshal(text, &input))
	maps.Copy(input, changes)
	text, err = json.Marshal(input)
	must(w.t, err)
	_, err = w.tercel.Client().Start(w.ctx, "expense-approval", wire.Start{Name: name, Input: text})
	must(w.t, err)
}

func (w *world) message(kind, to, execution, state string) local.Message {
	w.t.Helper()
	m, err := local.AwaitMessage(w.ctx, filepath.Join(w.dir, "outbox"), kind, to, execution, state)
	must(w.t, err)
	return m
}

// press lets somebody open the link that they were sent, and press a button.
func (w *world) press(execution, state, who, button string, fields map[string]string, comment, says string) {
	w.t.Helper()
	m := w.message("asked", who, execution, state)
	text, err := local.Press(w.ctx, m.Link, button, fields, comment)
	must(w.t, err)
	if !strings.Contains(text, says) {
		w.t.Errorf("the page that %s gets lacks %q:\n%s", who, says, text)
	}
}

func (w *world) end(name string) wire.Execution {
	w.t.Helper()
	x, err := w.tercel.Client().Wait(w.ctx, "expense-approval/"+name)
	must(w.t, err)
	return x
}

// TestExpenses: people decide as they would, by the links of the messages that they are sent.
func TestExpenses(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the binary and starts a Postgres")
	}
	w := newWorld(t)
	w.claim("large", nil)
	w.claim("rejected", map[string]any{"amount": 99})
	w.claim("ignored", map[string]any{"amount": 99, "secondsToDecide": 1})

	w.press("large", "AskTeam", "ada@example.com", "approve", map[string]string{"Account": `"travel"`, "Project": "fair"}, "enjoy", "You approved this")
	w.press("large", "AskFinance", "carol@example.com", "approve", nil, "", "It waits for dan@example.com, erin@example.com")
	w.press("large", "AskFinance", "erin@example.com", "approve", nil, "", "It was approved")
	if x := w.end("large"); !strings.Contains(string(x.Output), `"account":"travel"`) || x.Status != "SUCCEEDED" {
		t.Errorf("the large one ended as %s with %s", x.Status, x.Output)
	}
	if m := w.message("closed", "dan@example.com", "large", "AskFinance"); !strings.Contains(m.Outcome, "carol@example.com, erin@example.com") {
		t.Errorf("who was not needed is told %q", m.Outcome)
	}

	w.press("rejected", "AskTeam", "bob@example.com", "reject", nil, "no receipts", "You rejected this")
	if x := w.end("rejected"); x.Cause == nil || *x.Cause != "bob@example.com: no receipts" {
		t.Errorf("the rejected one ended as %+v", x)
	}

	w.press("ignored", "Escalate", "frank@example.com", "approve", map[string]string{"Account": `"other"`}, "", "It was approved")
	if x := w.end("ignored"); x.Status != "SUCCEEDED" || !strings.Contains(string(x.Output), "frank@example.com") {
		t.Errorf("the ignored one ended as %s with %s", x.Status, x.Output)
	}
	text, err := local.Open(w.ctx, w.message("asked", "ada@example.com", "ignored", "AskTeam").Link)
	if err != nil || !strings.Contains(text, "This comes too late") || strings.Contains(text, "<button") {
		t.Errorf("who comes too late sees %v %s", err, text)
	}
}
