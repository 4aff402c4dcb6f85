package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tercel-workflows/tercel/examples/local"
)

// stage is what the demo plays on: a folder with everything in it, and the processes that run.
type stage struct {
	binary  string // of tercel
	dir     string
	port    int
	started time.Time
	acts    int

	log    *os.File // what the engine writes
	shop   *local.Process
	tercel *local.Tercel
}

func (s *stage) title(text string) {
	s.acts++
	fmt.Printf("\n%s %s\n", bold(fmt.Sprintf("%d.", s.acts)), bold(text))
}

func say(format string, args ...any) { fmt.Printf("   "+format+"\n", args...) }

// open makes the folder, builds the functions, and starts everything.
func (s *stage) open(ctx context.Context) (err error) {
	if s.dir, err = folder(); err != nil {
		return err
	}
	if s.port, err = local.FreePort(); err != nil {
		return err
	}
	if s.log, err = os.Create(filepath.Join(s.dir, "tercel.log")); err != nil {
		return fmt.Errorf("making the log: %w", err)
	}
	server := "http://127.0.0.1:" + strconv.Itoa(s.port)
	for pkg, file := range map[string]string{
		"./examples/order-fulfilment/functions":     "order/functions",
		"./examples/mortgage-monte-carlo/functions": "mortgage/bin/mortgage",
	} {
		if err := local.Build(ctx, pkg, filepath.Join(s.dir, file)); err != nil {
			return err
		}
	}
	s.shop, err = local.Run(ctx, local.Command{
		Name: "the shop", Path: filepath.Join(s.dir, "order/functions"), Dir: s.dir, Args: []string{
			"-listen", "127.0.0.1:0", "-tercel", server, "-state", filepath.Join(s.dir, "order/state.json"), "-carrier-delay", "3s",
		},
	})
	if err != nil {
		return err
	}
	functions, err := s.shop.AwaitLine(ctx, "listening on ")
	if err != nil {
		return err
	}
	say("the shop's functions listen on %s", functions)
	if err := local.CopyExample("examples/order-fulfilment", filepath.Join(s.dir, "order"),
		"http://127.0.0.1:7070", functions); err != nil {
		return err
	}
	if err := local.CopyExample("examples/mortgage-monte-carlo", filepath.Join(s.dir, "mortgage")); err != nil {
		return err
	}
	if err := local.CopyExample("examples/expense-approval", filepath.Join(s.dir, "expense")); err != nil {
		return err
	}
	if err := s.startTercel(ctx); err != nil {
		return err
	}
	say("tercel dev, process %d, serves %s (data in %s)", s.tercel.PID(), s.tercel.Server, s.data())
	for _, example := range []string{"order", "mortgage", "expense"} {
		if err := s.tercel.Deploy(ctx, filepath.Join(s.dir, example, "tercel.yaml")); err != nil {
			return err
		}
		say("deployed %s", filepath.Join(example, "tercel.yaml"))
	}
	return nil
}

func (s *stage) data() string { return filepath.Join(s.dir, "data") }

func (s *stage) startTercel(ctx context.Context) (err error) {
	s.started = time.Now()
	s.tercel, err = local.StartTercel(ctx, s.binary, s.dir, s.port, s.log, "--data-dir", s.data())
	return err
}

// close ends all processes. The folder stays, to be looked at.
func (s *stage) close() error {
	var all []error
	if s.tercel != nil {
		all = append(all, s.tercel.Stop())
	}
	if s.shop != nil {
		all = append(all, s.shop.Stop())
	}
	if s.log != nil {
		all = append(all, s.log.Close())
	}
	return errors.Join(all...)
}

func (s *stage) farewell() {
	s.title("Where to look further")
	say("Everything is still in the database of the demo. Start it again in one terminal,")
	say("    %s dev --data-dir %s", short(s.binary), s.data())
	say("and look at it in another:")
	say("    %s list", short(s.binary))
	say("    %s history %s/%s", short(s.binary), orderMachine, crashedOrder)
	say("The picture of the losses is %s,", filepath.Join(s.dir, "mortgage.svg"))
	say("the log of the engine %s.", filepath.Join(s.dir, "tercel.log"))
	say("The examples are in examples/, the user's guide in docs/GETTING-STARTED.md.")
}

// folder makes an empty folder for the demo: .demo in the working folder, or one among the temporary files where the
// working folder is closed to the unprivileged user whom Postgres runs as.
func folder() (string, error) {
	dir, err := filepath.Abs(".demo")
	if err != nil {
		return "", fmt.Errorf("making a folder for the demo: %w", err)
	}
	if os.Geteuid() == 0 && !openToAll(filepath.Dir(dir)) {
		dir = filepath.Join(os.TempDir(), "tercel-demo")
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("clearing the folder of the last demo: %w; does a `tercel dev` still run on it?", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making a folder for the demo: %w", err)
	}
	return dir, nil
}

// openToAll tells whether anybody may pass through a folder and all above it.
func openToAll(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		up := filepath.Dir(dir)
		if up == dir {
			return true
		}
		dir = up
	}
}

// short gives a path as it is typed in the working folder.
func short(path string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && filepath.IsLocal(rel) {
			return rel
		}
	}
	return path
}
