// Command demo shows Tercel at work on this machine, for real: it starts `tercel dev` with a Postgres of its own and the
// functions of the examples, runs the examples, kills the engine in the middle of an order and starts it again, and leaves
// everything where it can be looked at. `make demo` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	binary := flag.String("tercel", "bin/tercel", "the `binary` to show")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	err := run(ctx, *binary)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo went wrong: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary string) (err error) {
	binary, err = filepath.Abs(binary)
	if err != nil {
		return fmt.Errorf("looking for the binary: %w", err)
	}
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("looking for the binary: %w; `make build` makes it", err)
	}
	s := &stage{binary: binary}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, act := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"Starting Tercel, its Postgres, and the functions of the examples", s.open},
		{"An order, and a crash in the middle of it", s.orderWithCrash},
		{"An order that goes wrong and is undone", s.orderUndone},
		{"100,000 mortgages in 200 batches", s.mortgages},
		{"An expense that three people approve, each by the link that they are sent", s.expense},
	} {
		s.title(act.title)
		if err := act.play(ctx); err != nil {
			return err
		}
	}
	s.farewell()
	return nil
}
