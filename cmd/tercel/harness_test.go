package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web"
)

// patience bounds how long a test waits for what must happen.
const patience = 30 * time.Second

// result is what a command line gave.
type result struct {
	code     int
	out, err string
}

// shell runs command lines in this process.
type shell struct {
	t   testing.TB
	in  string
	env map[string]string
}

func newShell(t testing.TB) *shell { return &shell{t: t, env: map[string]string{}} }

func (s *shell) run(words ...string) result { return s.runContext(s.t.Context(), words...) }

func (s *shell) runContext(ctx context.Context, words ...string) result {
	var out, errs bytes.Buffer
	code := run(ctx, words, environment{
		in: strings.NewReader(s.in), out: &out, err: &errs, getenv: func(name string) string { return s.env[name] },
	})
	return result{code, out.String(), errs.String()}
}

// must runs a command line that must end with a code.
func (s *shell) must(code int, words ...string) result {
	s.t.Helper()
	r := s.run(words...)
	if r.code != code {
		s.t.Fatalf("tercel %s: exit code %d, want %d\n%s%s", strings.Join(words, " "), r.code, code, r.out, r.err)
	}
	return r
}

// write puts a file into a folder of the test's own and gives its path.
func (s *shell) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// serve starts a server on a real engine and Postgres, for the command lines of this shell.
func (s *shell) serve() *engine.Engine {
	s.t.Helper()
	eng, err := engine.New(engine.Config{Store: storetest.Open(s.t), AllowCommands: true})
	if err != nil {
		s.t.Fatal(err)
	}
	eng.RegisterFunc("echo", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) { return in, nil })
	if err := eng.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	server, err := web.Listen(s.t.Context(), "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	server.Serve(web.NewRouter(web.Config{Engine: eng, Logger: log, LoopbackOnly: true, Draining: server.Draining()}), log)
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			s.t.Error(err)
		}
		if err := eng.Shutdown(ctx); err != nil {
			s.t.Error(err)
		}
	})
	s.env["TERCEL_SERVER"] = server.URL()
	return eng
}
