package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/examples/mortgage-monte-carlo/simulation"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

const (
	orderMachine    = "order-fulfilment"
	mortgageMachine = "mortgage-monte-carlo"
	crashedOrder    = "order-1001"
)

// orderWithCrash runs an order whose payment fails once, and kills the engine while the carrier is out with the parcel.
func (s *stage) orderWithCrash(ctx context.Context) error {
	input, err := os.ReadFile("examples/order-fulfilment/input.json")
	if err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	started, err := s.tercel.Client().Start(ctx, orderMachine, wire.Start{Name: crashedOrder, Input: input})
	if err != nil {
		return err
	}
	say("started %s/%s", orderMachine, started.Name)
	client := s.tercel.Client()
	killed := false
	var crash error
	end, err := client.Events(ctx, started.ID, 0, func(e wire.Event) error {
		tell(e)
		if e.Type == "TaskSubmitted" && !killed {
			killed = true
			crash = s.crash(ctx)
		}
		return crash
	})
	if err != nil {
		return fmt.Errorf("watching the order: %w", err)
	}
	if !killed {
		return errors.New("the order ended before the engine was killed")
	}
	if err := expect(end, "SUCCEEDED"); err != nil {
		return err
	}
	say("%s after %s, with", green(end.Status), end.EndedAt.Sub(end.StartedAt).Round(time.Millisecond))
	return show(end.Output)
}

// crash kills the engine, as kill -9 does, and starts it again.
func (s *stage) crash(ctx context.Context) error {
	say(red("kill -9 %d")+": the engine is gone, while the carrier has the parcel and the token", s.tercel.PID())
	if err := s.tercel.Kill(); err != nil {
		return err
	}
	if err := s.startTercel(ctx); err != nil {
		return err
	}
	say(green("started again")+" as process %d, ready after %s", s.tercel.PID(), time.Since(s.started).Round(time.Millisecond))
	return nil
}

// orderUndone runs an order whose parcel is lost.
func (s *stage) orderUndone(ctx context.Context) error {
	text, err := os.ReadFile("examples/order-fulfilment/input.json")
	if err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	var order map[string]any
	if err := json.Unmarshal(text, &order); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	order["id"] = "order-1002"
	order["simulate"] = map[string]any{"carrier": "lost"}
	if text, err = json.Marshal(order); err != nil {
		return fmt.Errorf("writing the order: %w", err)
	}
	started, err := s.tercel.Client().Start(ctx, orderMachine, wire.Start{Name: "order-1002", Input: text})
	if err != nil {
		return err
	}
	say("started %s/%s", orderMachine, started.Name)
	end, err := s.tercel.Client().Events(ctx, started.ID, 0, func(e wire.Event) error {
		tell(e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("watching the order: %w", err)
	}
	if err := expect(end, "FAILED"); err != nil {
		return err
	}
	if end.Error == nil || *end.Error != "Carrier.ParcelLost" {
		return fmt.Errorf("the order failed otherwise than it should: %s", reason(end))
	}
	say("%s as it should, with %s", red(end.Status), reason(end))
	return nil
}

// mortgages runs the simulation and prints its chart.
func (s *stage) mortgages(ctx context.Context) error {
	input, err := os.ReadFile("examples/mortgage-monte-carlo/input.json")
	if err != nil {
		return fmt.Errorf("reading the model: %w", err)
	}
	started, err := s.tercel.Client().Start(ctx, mortgageMachine, wire.Start{Input: input})
	if err != nil {
		return err
	}
	bar := progress{what: "batches", begun: time.Now()}
	end, err := s.tercel.Client().Events(ctx, started.ID, 0, func(e wire.Event) error {
		switch {
		case e.Type == "MapStateStarted" && e.Details.Length != nil:
			bar.total = *e.Details.Length
		case e.Type == "MapIterationSucceeded":
			bar.step()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("watching the simulation: %w", err)
	}
	if err := expect(end, "SUCCEEDED"); err != nil {
		return err
	}
	say("%s after %s\n", green(end.Status), end.EndedAt.Sub(end.StartedAt).Round(time.Millisecond))
	var report simulation.Report
	if err := json.Unmarshal(end.Output, &report); err != nil {
		return fmt.Errorf("reading the report: %w", err)
	}
	if err := report.WriteText(os.Stdout, 100); err != nil {
		return fmt.Errorf("printing the chart: %w", err)
	}
	file, err := os.Create(filepath.Join(s.dir, "mortgage.svg"))
	if err != nil {
		return fmt.Errorf("making the picture: %w", err)
	}
	if err := errors.Join(report.WriteSVG(file), file.Close()); err != nil {
		return fmt.Errorf("writing the picture: %w", err)
	}
	return nil
}

// tell prints an event that a person wants to know of.
func tell(e wire.Event) {
	at := faint(e.Timestamp.Local().Format("15:04:05.000"))
	switch {
	case e.Type == "RetryScheduled" && e.Details.Until != nil:
		say("%s   waits until %s and tries again", at, e.Details.Until.Local().Format("15:04:05.000"))
	case e.Type == "ExecutionRecovered":
		say("%s   %s", at, green("another process goes on with the execution"))
	case e.Type == "TaskSubmitted":
		say("%s   handed over; waits for the callback", at)
	case e.Type == "TaskSucceeded":
		say("%s   %s done", at, e.State)
	case e.Details.Error != nil && e.State != "":
		say("%s   %s", at, red(*e.Details.Error))
	case strings.HasSuffix(e.Type, "StateEntered"):
		say("%s %s", at, bold(e.State))
	}
}

// expect checks how an execution ended.
func expect(x wire.Execution, status string) error {
	if x.Status == status {
		return nil
	}
	return fmt.Errorf("%s/%s ended as %s, not %s: %s", x.StateMachine, x.Name, x.Status, status, reason(x))
}

func reason(x wire.Execution) string {
	switch {
	case x.Error == nil:
		return "no error"
	case x.Cause == nil:
		return *x.Error
	default:
		return *x.Error + ": " + *x.Cause
	}
}

func show(output json.RawMessage) error {
	var v any
	if err := json.Unmarshal(output, &v); err != nil {
		return fmt.Errorf("reading an output: %w", err)
	}
	text, err := json.MarshalIndent(v, "       ", "  ")
	if err != nil {
		return fmt.Errorf("printing an output: %w", err)
	}
	fmt.Printf("       %s\n", text)
	return nil
}
