//go:build unix

package invoke_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

// shell gives a function that a shell script is.
func shell(script string, config invoke.CommandConfig) *invoke.Command {
	config.Argv = []string{"/bin/sh", "-c", script}
	return &invoke.Command{Config: config}
}

func TestCommandResults(t *testing.T) {
	t.Setenv("TERCEL_TEST_PASSED", "passed on")
	t.Setenv("TERCEL_TEST_SECRET", "not passed on")
	for name, c := range map[string]struct {
		script string
		want   string
	}{
		"echoes its input":     {`cat`, `{"a":1}`},
		"no output is null":    {`true`, "null"},
		"does not read stdin":  {`echo 5`, "5"},
		"stderr is not output": {`echo noise >&2; echo '"ok"'`, `"ok"`},
		"its environment": {
			`echo "\"$TERCEL_TEST_PASSED|$TERCEL_TEST_SECRET|$SET|$HOME|$TERCEL_ATTEMPT|$TERCEL_TASK_TOKEN|$TERCEL_IDEMPOTENCY_KEY\""`,
			`"passed on||set||2|the-token|018f0000-0000-7000-8000-000000000001/7"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := shell(c.script, invoke.CommandConfig{Env: map[string]string{"SET": "set"}, PassEnv: []string{"TERCEL_TEST_PASSED"}})
			got, err := f.Invoke(t.Context(), call(`{"a":1}`))
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestCommandErrors(t *testing.T) {
	for name, c := range map[string]struct {
		script, error string
		cause         []string
	}{
		"exit code":          {`echo "disk full" >&2; exit 3`, invoke.ErrCommandExit, []string{"exit code 3", "disk full"}},
		"named error":        {`echo '{"errorType":"Sold","errorMessage":"out"}'; exit 1`, "Sold", []string{"out"}},
		"killed by a signal": {`kill -TERM $$`, invoke.ErrCommandKilled, []string{"terminated"}},
		"garbage":            {`echo '{"a":'`, invoke.ErrInvalidResponse, []string{"the output of /bin/sh", "line 1"}},
		"endless output":     {`yes xxxxxxxxxxxxxxxxxxxxxxx`, invoke.ErrDataLimit, []string{"4096 bytes"}},
		"never ends":         {`sleep 1000`, invoke.ErrTimeout, []string{"500ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := shell(c.script, invoke.CommandConfig{MaxOutputBytes: 4096, TimeoutSeconds: 0.5})
			within(t, func() {
				_, err := f.Invoke(t.Context(), call("{}"))
				contains(t, taskError(t, err, c.error), c.cause...)
			})
		})
	}
}

func TestCommandNotThere(t *testing.T) {
	f := &invoke.Command{Config: invoke.CommandConfig{Argv: []string{"/nonexistent/program"}}}
	_, err := f.Invoke(t.Context(), call("{}"))
	contains(t, taskError(t, err, invoke.ErrCommandStart), "/nonexistent/program")
}

// What a command leaves running is killed, whether it ends, runs too long, or is no longer wanted.
func TestCommandTakesItsChildrenAlong(t *testing.T) {
	for name, c := range map[string]struct {
		after  string
		cancel bool
		ok     bool
	}{
		"it ends":          {after: "echo 1", ok: true},
		"it runs too long": {after: "wait"},
		"it is cancelled":  {after: "wait", cancel: true},
	} {
		t.Run(name, func(t *testing.T) {
			pidFile := filepath.Join(t.TempDir(), "pid")
			f := shell(`sleep 1000 & echo $! > `+pidFile+`.new; mv `+pidFile+`.new `+pidFile+`; `+c.after, invoke.CommandConfig{TimeoutSeconds: 2})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.cancel {
				go func() {
					readPID(t, pidFile)
					cancel()
				}()
			}
			within(t, func() {
				_, err := f.Invoke(ctx, call("{}"))
				switch {
				case c.ok && err != nil:
					t.Error(err)
				case c.cancel && !errors.Is(err, context.Canceled):
					t.Errorf("got %v, want the context's error", err)
				case !c.ok && !c.cancel:
					taskError(t, err, invoke.ErrTimeout)
				}
			})
			child := readPID(t, pidFile)
			for deadline := time.Now().Add(10 * time.Second); alive(child); {
				if time.Now().After(deadline) {
					t.Fatalf("the child %d lives on", child)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
}

// readPID waits for the file and reads the number in it.
func readPID(t *testing.T, file string) int {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil {
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Error(err)
			}
			return pid
		}
	}
	t.Error("the command did not start its child")
	return 0
}

// alive tells whether a process runs; one that has ended but was not waited for by its new parent does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return !os.IsNotExist(err) // without /proc, believe the signal
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func TestCommandConfigIsChecked(t *testing.T) {
	for want, c := range map[string]invoke.CommandConfig{
		"argv is missing":  {},
		"zero byte":        {Argv: []string{"a\x00"}},
		"no name":          {Argv: []string{"a"}, Env: map[string]string{"a=b": "c"}},
		"timeout_seconds":  {Argv: []string{"a"}, TimeoutSeconds: -1},
		"max_output_bytes": {Argv: []string{"a"}, MaxOutputBytes: -1},
	} {
		err := c.Check()
		if err == nil {
			t.Errorf("%+v is not refused", c)
			continue
		}
		contains(t, err.Error(), want)
	}
}
