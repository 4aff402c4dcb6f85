// Package local runs Tercel and the functions of the examples as processes of this machine, as a person would in a
// terminal. The tests of the examples and the demo stand on it.
package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Build builds a main package of this module into a file. The directory of the calling process must lie in the module.
func Build(ctx context.Context, pkg, file string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", file, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// CopyExample copies the registry file and the definitions of an example into a folder, with text replaced in the
// registry file: old, new, old, new.
func CopyExample(from, to string, replace ...string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("copying the example: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(from, "*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("there is no example in %s", from)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("copying the example: %w", err)
		}
		if filepath.Base(file) == "tercel.yaml" {
			text = []byte(strings.NewReplacer(replace...).Replace(string(text)))
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(file)), text, 0o644); err != nil {
			return fmt.Errorf("copying the example: %w", err)
		}
	}
	return nil
}

// FreePort gives a TCP port of the loopback interface that nobody listens at now.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("looking for a free port: %s is no TCP address", l.Addr())
	}
	return addr.Port, nil
}

// Process is a running program.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  *tail
	done chan struct{} // closed when it has ended
	err  error         // how; set before done is closed
}

// Command says what to run.
type Command struct {
	Name string // for messages
	Path string
	Args []string
	Dir  string
	Env  []string  // added to the environment of this process
	Log  io.Writer // gets all that the program writes; nil for nobody
}

// Run starts a program. It is killed when ctx ends.
func Run(ctx context.Context, c Command) (*Process, error) {
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	log := &tail{next: c.Log}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	p := &Process{name: c.Name, cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID gives the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the program at once, as a crash of the machine would, and waits until it is gone.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing %s: %w", p.name, err)
	}
	<-p.done
	return nil
}

// Stop asks the program to end and waits until it has; it is killed if that takes longer than 15 seconds.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(15 * time.Second):
		return errors.Join(fmt.Errorf("%s did not end when asked to\n%s", p.name, p.log), p.Kill())
	}
}

// AwaitLine waits until the program has written a line that begins with prefix, and gives what follows it.
func (p *Process) AwaitLine(ctx context.Context, prefix string) (string, error) {
	var rest string
	err := p.await(ctx, "write "+prefix, func() bool {
		lines := bufio.NewScanner(strings.NewReader(p.log.String()))
		for lines.Scan() {
			if after, ok := strings.CutPrefix(lines.Text(), prefix); ok {
				rest = strings.TrimSpace(after)
				return true
			}
		}
		return false
	})
	return rest, err
}

// AwaitHTTP waits until a URL answers with a success.
func (p *Process) AwaitHTTP(ctx context.Context, url string) error {
	client := &http.Client{Timeout: 2 * time.Second}
	return p.await(ctx, "answer at "+url, func() bool {
		resp, err := client.Get(url)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode < 300
	})
}

// await looks for a condition until it holds, the program ends, or ctx does.
func (p *Process) await(ctx context.Context, what string, holds func() bool) error {
	for {
		if holds() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to %s: %w\n%s", p.name, what, ctx.Err(), p.log)
		case <-p.done:
			return fmt.Errorf("%s ended (%w) before it could %s\n%s", p.name, p.err, what, p.log)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// tail keeps the last part of what a program writes.
type tail struct {
	next io.Writer

	mu   sync.Mutex
	text []byte
}

const tailBytes = 64 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append([]byte(nil), t.text[over:]...)
	}
	if t.next != nil {
		return t.next.Write(b)
	}
	return len(b), nil
}

// String gives what the program wrote, for messages.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
