package awsapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cli is the AWS CLI with what the calls so far have saved.
type cli struct {
	t     *testing.T
	dir   string
	env   []string
	saved map[string]string
}

// TestClientCLI runs the scenario with the AWS CLI. Each call starts a program that takes a second or so, so it makes each operation's call and
// meets each error once.
func TestClientCLI(t *testing.T) {
	if testing.Short() {
		t.Skip("AWS's other clients are for the long run")
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientsPatience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "aws", "--version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "aws-cli/") {
		t.Skip("there is no AWS CLI on this machine: it is not tried (Debian has it as awscli)")
	}
	_, keys := guarded(t)
	c := &cli{t: t, dir: t.TempDir(), saved: map[string]string{"role": role}}
	c.env = keys.environ("AWS_DISABLE_HOST_PREFIX_INJECTION=true", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
	done := map[string]bool{}
	for i, s := range scenario(t) {
		once := s.Error
		if once == "" {
			once = s.Call
		}
		if done[once] && s.Save == nil && s.SaveJSON == nil && s.Until == nil {
			continue
		}
		// What changes something must happen, or what follows it has nothing to stand on.
		done[once] = true
		if !t.Run(fmt.Sprint(i, " ", s.Call, " ", s.Error), func(t *testing.T) { c.step(t, s) }) && s.Save != nil {
			t.Fatal("what follows needs its answer")
		}
	}
	t.Run("a wrong secret", func(t *testing.T) {
		wrong := *c
		wrong.env = append(append([]string{}, c.env...), "AWS_SECRET_ACCESS_KEY=wrong")
		if out, err := wrong.call("ListStateMachines", map[string]any{}); err == nil || !strings.Contains(err.Error(), "(InvalidSignatureException)") {
			t.Errorf("it gives %v, %v", out, err)
		}
	})
}

func (c *cli) step(t *testing.T, s step) {
	t.Helper()
	in, _ := c.filled(s.With).(map[string]any)
	if definition, ok := in["definition"].(map[string]any); ok {
		text, err := json.Marshal(definition)
		if err != nil {
			t.Fatal(err)
		}
		in["definition"] = string(text)
	}
	out, err := c.call(s.Call, in)
	for deadline := time.Now().Add(patience); err == nil && !c.holds(out, s.Until) && time.Now().Before(deadline); {
		out, err = c.call(s.Call, in)
	}
	switch {
	case err != nil && strings.Contains(err.Error(), `endpoint URL: "http://sync-`):
		t.Skip("this CLI is too old to be told not to put sync- before the host")
	case err != nil && strings.Contains(err.Error(), "Unknown parameter in input"), err != nil && strings.Contains(err.Error(), "Invalid choice"):
		t.Skipf("this CLI is older than the call: %v", err)
	case s.Error != "":
		want := fmt.Sprintf("An error occurred (%s) when calling the %s operation: %v", s.Error, s.Call, c.filled(s.Message))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it gives %v, %v, want %s", out, err, want)
		}
		return
	case err != nil:
		t.Fatal(err)
	case !c.holds(out, s.Until):
		t.Fatalf("it does not come to %v: %v", s.Until, out)
	}
	for name, path := range s.Save {
		c.saved[name], _ = member(out, path).(string)
	}
	for name, path := range s.SaveJSON {
		var inner map[string]any
		text, _ := member(out, path[0]).(string)
		if err := json.Unmarshal([]byte(text), &inner); err != nil {
			t.Fatal(err)
		}
		c.saved[name], _ = inner[path[1]].(string)
	}
	for path, want := range s.Expect {
		c.expect(t, path, member(out, path), c.filled(want))
	}
}

// call makes a call, and gives what the CLI prints.
func (c *cli) call(operation string, in map[string]any) (out map[string]any, err error) {
	text, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(c.dir, "input.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	words := []string{"stepfunctions", hyphens(operation), "--cli-input-json", "file://" + file, "--output", "json"}
	if strings.HasPrefix(operation, "List") || operation == "GetExecutionHistory" {
		words = append(words, "--no-paginate")
	}
	cmd := exec.CommandContext(ctx, "aws", words...)
	cmd.Env, cmd.WaitDelay = c.env, time.Second
	var failure strings.Builder
	cmd.Stderr = &failure
	printed, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, failure.String())
	}
	if len(printed) == 0 {
		return map[string]any{}, nil
	}
	return out, json.Unmarshal(printed, &out)
}

// hyphens gives the command of an operation: list-executions for ListExecutions.
func hyphens(operation string) string {
	return strings.ToLower(regexp.MustCompile(`(.)([A-Z])`).ReplaceAllString(operation, "$1-$2"))
}

var savedName = regexp.MustCompile(`\$([a-zA-Z]\w*)`)

// filled puts what was saved in the place of its names.
func (c *cli) filled(v any) any {
	switch v := v.(type) {
	case string:
		return savedName.ReplaceAllStringFunc(v, func(name string) string {
			if text, ok := c.saved[name[1:]]; ok {
				return text
			}
			return name
		})
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = c.filled(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name := range v {
			out[name] = c.filled(v[name])
		}
		return out
	}
	return v
}

// member gives what is at a path such as executions.0.status.
func member(v any, path string) any {
	var steps []any
	for _, name := range strings.Split(path, ".") {
		if i, err := strconv.ParseFloat(name, 64); err == nil {
			steps = append(steps, i)
		} else {
			steps = append(steps, name)
		}
	}
	return dig(v, steps)
}

// holds tells whether an answer is what a step waits for.
func (c *cli) holds(out map[string]any, until map[string]any) bool {
	for path, want := range until {
		if !reflect.DeepEqual(member(out, path), want) {
			return false
		}
	}
	return true
}

func (c *cli) expect(t *testing.T, path string, got, want any) {
	t.Helper()
	text, _ := got.(string)
	switch want {
	case "$time":
		at, err := time.Parse(time.RFC3339, text)
		if seconds, ok := got.(float64); ok { // as the CLI's first version prints it
			at, err = time.UnixMilli(int64(seconds*1000)), nil
		}
		if err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("%s is no time of now: %v", path, got)
		}
	case "$text":
		if text == "" {
			t.Errorf("%s is no text: %v", path, got)
		}
	case "$none":
		if got != nil {
			t.Errorf("%s is %v, want none", path, got)
		}
	default:
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}
