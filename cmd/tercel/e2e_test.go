package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

const e2eRegistry = `
functions:
  echo: {command: {argv: [cat]}}
state_machines:
  hello: {definition: hello.asl.yaml}
`

const e2eHello = `
QueryLanguage: CEL
StartAt: Greet
States:
  Greet: {Type: Task, Resource: "function:echo", Next: Ask}
  Ask: {Type: Wait, Seconds: 3600, End: true}
`

// TestDev builds the binary and uses it as a person would: dev in one terminal, commands in another.
func TestDev(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the binary and starts a Postgres")
	}
	binary := filepath.Join(t.TempDir(), "tercel")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("tercel.yaml", e2eRegistry)
	put("hello.asl.yaml", e2eHello)

	dev := exec.CommandContext(t.Context(), binary, "dev", "--ephemeral", "--port", "0", "--json")
	dev.Dir = dir
	stdout, err := dev.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := dev.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	notes := make(chan string, 1000)
	go tail(stderr, notes)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = dev.Process.Kill()
		t.Fatalf("dev did not start: %v", err)
	}
	var ready announcement
	if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.PID != dev.Process.Pid {
		t.Fatalf("dev announced %s", line)
	}
	tercel := func(code int, words ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), binary, words...)
		cmd.Env = append(os.Environ(), "TERCEL_SERVER="+ready.URL)
		out, err := cmd.Output()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			t.Fatalf("tercel %s: %v, want exit code %d\n%s", strings.Join(words, " "), err, code, out)
		}
		return string(out)
	}

	id := strings.TrimSpace(tercel(0, "start", "hello", "--name", "one", "--input", `{"a": 1}`))
	awaitEvent(t, tercel, id, "WaitStateEntered")
	if out := tercel(0, "list", "--status", "running"); !strings.Contains(out, "hello/one") {
		t.Errorf("list printed\n%s", out)
	}
	tercel(0, "stop", "hello/one", "--error", "Enough")
	if out := tercel(5, "watch", "hello/one"); !strings.Contains(out, "✓ Greet") || !strings.Contains(out, "error: Enough") {
		t.Errorf("watch printed\n%s", out)
	}
	tercel(0, "redrive", "hello/one")
	tercel(7, "watch", "hello/one", "--timeout", "100ms")

	// A broken definition is told of and changes nothing; a mended one is deployed.
	put("hello.asl.yaml", strings.Replace(e2eHello, "Next: Ask", "Next: Aks", 1))
	await(t, notes, "is not applied")
	if out := tercel(0, "machines", "show", "hello"); out != e2eHello {
		t.Errorf("the broken definition was deployed:\n%s", out)
	}
	put("hello.asl.yaml", strings.Replace(e2eHello, "Seconds: 3600", "Seconds: 0", 1))
	for deadline := time.Now().Add(patience); !strings.Contains(tercel(0, "machines", "show", "hello"), "Seconds: 0"); {
		if time.Now().After(deadline) {
			t.Fatal("the mended definition was not deployed")
		}
	}
	if out := tercel(0, "start", "hello", "--input", `{"b": 2}`, "--wait"); strings.TrimSpace(out) != `{"b":2}` {
		t.Errorf("start --wait printed %s", out)
	}

	_, port, _ := strings.Cut(strings.TrimPrefix(ready.URL, "http://"), ":")
	second := exec.CommandContext(t.Context(), binary, "dev", "--ephemeral", "--port", port)
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "tercel dev --port PORT") {
		t.Errorf("a second dev on the port: %v\n%s", err, out)
	}

	if err := dev.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := dev.Wait(); err != nil {
		t.Errorf("dev ended with %v", err)
	}
	tercel(6, "list")
}

// awaitEvent waits until an execution's history has an event.
func awaitEvent(t *testing.T, tercel func(int, ...string) string, id, typ string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		for line := range strings.Lines(tercel(0, "history", id, "--json")) {
			var e wire.Event
			if json.Unmarshal([]byte(line), &e) == nil && e.Type == typ {
				return
			}
		}
	}
	t.Fatalf("there was no %s", typ)
}

// tail hands the lines of a stream on.
func tail(r io.Reader, lines chan<- string) {
	for scanner := bufio.NewScanner(r); scanner.Scan(); {
		select {
		case lines <- scanner.Text():
		default: // nobody reads any more
		}
	}
	close(lines)
}

// await waits for a line that holds a text.
func await(t *testing.T, lines <-chan string, text string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatalf("the output ended without %q", text)
			}
			if strings.Contains(line, text) {
				return
			}
		case <-deadline:
			t.Fatalf("%q was not printed", text)
		}
	}
}
