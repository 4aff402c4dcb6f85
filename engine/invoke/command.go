package invoke

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// CommandConfig is a function that is a program on this machine: JSON on its standard input and output.
type CommandConfig struct {
	Argv           []string          `json:"argv" yaml:"argv"` // program and arguments; no shell reads them
	Dir            string            `json:"dir,omitempty" yaml:"dir,omitempty"`
	Env            map[string]string `json:"env,omitempty" yaml:"env,omitempty"`                           // variables set for it
	PassEnv        []string          `json:"pass_env,omitempty" yaml:"pass_env,omitempty"`                 // variables of this process passed on
	TimeoutSeconds float64           `json:"timeout_seconds,omitempty" yaml:"timeout_seconds,omitempty"`   // default 60, at most 900
	MaxOutputBytes int64             `json:"max_output_bytes,omitempty" yaml:"max_output_bytes,omitempty"` // default 6 MiB
}

// Check says what is wrong with the configuration.
func (c *CommandConfig) Check() error {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return errors.New("argv is missing: give the program and its arguments as a list")
	}
	for _, a := range c.Argv {
		if strings.IndexByte(a, 0) >= 0 {
			return errors.New("argv holds a zero byte")
		}
	}
	for k, v := range c.Env {
		if k == "" || strings.ContainsAny(k, "=\x00") || strings.IndexByte(v, 0) >= 0 {
			return fmt.Errorf("env: %q is no name of a variable, or its value holds a zero byte", k)
		}
	}
	if c.MaxOutputBytes < 0 {
		return errors.New("max_output_bytes is negative")
	}
	return checkTimeout(c.TimeoutSeconds)
}

// Command runs a function as a program on this machine. Its environment is empty but for what the configuration names
// and the variables TERCEL_IDEMPOTENCY_KEY, TERCEL_EXECUTION, TERCEL_STATE_MACHINE, TERCEL_STATE, TERCEL_ATTEMPT,
// TERCEL_TASK_TOKEN and TRACEPARENT. The process and all it started in its process group are killed when its time is
// over, when nobody waits for it any more, and when it ends.
type Command struct{ Config CommandConfig }

// stderrTail is how much of the end of a command's standard error goes into the cause.
const stderrTail = 4 << 10

// pipeDelay is how long a command that has ended, but left a child with its output open, is read on.
const pipeDelay = time.Second

var errOutputTooLong = errors.New("the output is too long")

// Invoke runs the program.
func (c *Command) Invoke(ctx context.Context, call *Invocation) (*value.Value, error) {
	limit := timeout(c.Config.TimeoutSeconds)
	runCtx, cancel := context.WithTimeoutCause(ctx, limit, context.DeadlineExceeded)
	defer cancel()
	stop, stopWith := context.WithCancelCause(runCtx)
	defer stopWith(nil)

	out := &boundedBuffer{limit: call.bound(c.Config.MaxOutputBytes), exceeded: func() { stopWith(errOutputTooLong) }}
	tail := &tailBuffer{limit: stderrTail}
	cmd := exec.CommandContext(stop, c.Config.Argv[0], c.Config.Argv[1:]...)
	cmd.Dir = c.Config.Dir
	cmd.Env = c.environment(call)
	cmd.Stdin = bytes.NewReader(call.Arguments.JSON())
	cmd.Stdout, cmd.Stderr = out, tail
	cmd.WaitDelay = pipeDelay
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, failure(ErrCommandStart, "starting %s: %v", c.Config.Argv[0], err)
	}
	err := cmd.Wait()
	killGroup(cmd) // what it left running

	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(context.Cause(stop), errOutputTooLong):
		return nil, failure(ErrDataLimit, "%s wrote more than %d bytes, the most that is allowed", c.Config.Argv[0], out.limit)
	case runCtx.Err() != nil:
		return nil, failure(ErrTimeout, "%s did not end within %s and was killed%s", c.Config.Argv[0], limit, tail.suffix())
	}
	return c.result(cmd.ProcessState, err, out.kept.Bytes(), tail)
}

func (c *Command) result(state *os.ProcessState, err error, out []byte, tail *tailBuffer) (*value.Value, error) {
	if state == nil {
		return nil, failure(ErrCommandStart, "waiting for %s: %v", c.Config.Argv[0], err)
	}
	if state.Success() {
		// Errors of Wait besides the exit code mean that it did not read its input, or left its output open to a child.
		return parseResult(out, "the output of "+c.Config.Argv[0])
	}
	if named := namedError(out); named != nil {
		return nil, named
	}
	if code := state.ExitCode(); code >= 0 {
		return nil, failure(ErrCommandExit, "%s ended with exit code %d%s", c.Config.Argv[0], code, tail.suffix())
	}
	return nil, failure(ErrCommandKilled, "%s ended by %s%s", c.Config.Argv[0], state.String(), tail.suffix())
}

func (c *Command) environment(call *Invocation) []string {
	env := []string{
		"TERCEL_IDEMPOTENCY_KEY=" + call.IdempotencyKey,
		"TERCEL_EXECUTION=" + call.ExecutionARN,
		"TERCEL_STATE_MACHINE=" + call.StateMachine,
		"TERCEL_STATE=" + strings.ReplaceAll(call.State, "\x00", ""),
		"TERCEL_ATTEMPT=" + strconv.Itoa(call.Attempt),
	}
	if call.Token != "" {
		env = append(env, "TERCEL_TASK_TOKEN="+call.Token)
	}
	if call.TraceContext != "" {
		env = append(env, "TRACEPARENT="+strings.ReplaceAll(call.TraceContext, "\x00", ""))
	}
	for _, name := range c.Config.PassEnv {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	for k, v := range c.Config.Env {
		env = append(env, k+"="+v)
	}
	return env
}

// boundedBuffer keeps what is written up to a limit; beyond it, it calls exceeded and keeps no more.
type boundedBuffer struct {
	kept     bytes.Buffer // not embedded: its ReadFrom would read past the limit
	limit    int64
	exceeded func()
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if int64(b.kept.Len()+len(p)) > b.limit {
		b.exceeded()
		return 0, errOutputTooLong
	}
	return b.kept.Write(p)
}

// tailBuffer keeps the end of what is written.
type tailBuffer struct {
	kept  []byte
	limit int
}

func (b *tailBuffer) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[max(0, len(p)-b.limit):]...)
	if extra := len(b.kept) - b.limit; extra > 0 {
		b.kept = append(b.kept[:0], b.kept[extra:]...)
	}
	return len(p), nil
}

func (b *tailBuffer) suffix() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(b.kept), "�"))
	if text == "" {
		return ""
	}
	return "; the end of its standard error: " + text
}
