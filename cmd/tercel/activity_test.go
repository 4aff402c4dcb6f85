package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

// deployWork deploys a machine with one task of the activity "work".
func (s *shell) deployWork() {
	s.t.Helper()
	s.must(0, "deploy", s.write("work.asl.yaml", `
QueryLanguage: CEL
StartAt: T
States:
  T: {Type: Task, Resource: "activity:work", TimeoutSeconds: 600, End: true}
`), "--name", "work")
}

func TestActivityVerbs(t *testing.T) {
	s := newShell(t)
	s.serve()
	wants(t, s.must(0, "activity", "list").err, "No activities yet. Create one: tercel activity create NAME")
	const arn = "arn:aws:states:us-east-1:000000000000:activity:work"
	for range 2 { // again changes nothing
		wants(t, s.must(0, "activity", "create", "work").out, "Activity work, created ", arn)
	}
	s.must(0, "activity", "create", "other")
	if lines := strings.Split(strings.TrimSpace(s.must(0, "activities", "ls").out), "\n"); len(lines) != 3 ||
		!strings.HasPrefix(lines[0], "NAME") || !strings.HasPrefix(lines[1], "other") || !strings.HasPrefix(lines[2], "work") {
		t.Errorf("listed %q", lines)
	}
	var shown wire.Activity
	if err := json.Unmarshal([]byte(s.must(0, "activity", "describe", "work", "--json").out), &shown); err != nil ||
		shown.Name != "work" || shown.ARN != arn || shown.Namespace != "default" || shown.CreatedAt.IsZero() {
		t.Errorf("described as JSON: %+v, %v", shown, err)
	}
	wants(t, s.must(0, "activity", "delete", "other").out, "Removed other.")
	for _, words := range [][]string{
		{"describe", "other"}, {"delete", "other"}, {"poll", "other"}, {"poll", "other", "--exec", "cat"},
	} {
		r := s.run(append([]string{"activity"}, words...)...)
		if r.code == 0 || r.out != "" {
			t.Errorf("%v: exit code %d, %s", words, r.code, r.out)
		}
		wants(t, r.err, `there is no activity "other" in namespace default; create it first`)
	}
	wants(t, s.must(2, "activity", "create").err, "NAME")
	wants(t, s.must(2, "activity", "poll", "work", "--exec", "cat", "--concurrency", "0").err, "--concurrency is 0, but must be positive")
	wants(t, s.run("activity", "create", "a b").err, "activity", "a b")
	wants(t, s.must(7, "activity", "poll", "work", "--timeout", "50ms").err, "no task of activity work came within 50ms")
}

// One task by hand: poll prints it, and its token answers it.
func TestActivityPoll(t *testing.T) {
	s := newShell(t)
	s.serve()
	s.must(0, "activity", "create", "work")
	s.deployWork()
	s.must(0, "start", "work", "--name", "one", "--input", `{"n": 1e400}`)
	var task wire.Task
	out := s.must(0, "activity", "poll", "work", "--worker", "me").out
	if err := json.Unmarshal([]byte(out), &task); err != nil || string(task.Input) != `{"n":1e400}` && string(task.Input) != `{"n": 1e400}` ||
		task.State != "T" || task.StateMachine != "work" || task.Token == "" || task.Deadline == nil {
		t.Fatalf("polled %s: %v", out, err)
	}
	if strings.Count(out, "\n") != 1 {
		t.Errorf("the task is not one line: %s", out)
	}
	wants(t, s.must(0, "history", "work/one").out, "ActivityStarted", "me")
	s.must(0, "task", "success", task.Token, "--output", `{"done": true}`)
	wants(t, s.must(0, "describe", "work/one").out, "SUCCEEDED", `"done"`)
	wants(t, s.run("task", "success", task.Token).err, "nobody waits for task 1", "the execution has ended: SUCCEEDED")
}

// A command is a worker: what it prints is the result, JSON or not, and what it complains of the cause of the failure.
func TestActivityExec(t *testing.T) {
	s := newShell(t)
	eng := s.serve()
	s.must(0, "activity", "create", "work")
	s.deployWork()
	const script = `read -r line; case "$line" in
		'"json"') echo '{"a": [1, 2]}';;
		'"text"') printf 'two\nlines\n\n';;
		'"silent"') ;;
		'"env"') printf '%s %s %s' "$TERCEL_STATE" "$TERCEL_ATTEMPT" "$TERCEL_IDEMPOTENCY_KEY";;
		'"fail"') echo 'so much for that'; echo 'no such pixel' >&2; exit 3;;
		'"missing"') exec no-such-command-anywhere;;
		esac`
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan result, 1)
	working := &shell{t: t, env: s.env}
	go func() {
		ended <- working.runContext(ctx, "activity", "poll", "work", "--exec", script, "--concurrency", "3", "--worker", "shell")
	}()
	for in, want := range map[string]string{
		"json": `{"a":[1,2]}`, "text": `"two\nlines"`, "silent": "null", "env": "",
		"fail": "Command.ExitCode: exit code 3: no such pixel", "missing": "Command.ExitCode: exit code 127: ",
	} {
		x, _, err := eng.StartExecution(t.Context(), engine.StartRequest{StateMachine: "work", Input: []byte(`"` + in + `"`)})
		if err != nil {
			t.Fatal(err)
		}
		if in == "env" {
			want = `"T 0 ` + x.ID.String() + `/1"`
		}
		if x, err = eng.Wait(t.Context(), x.ID); err != nil {
			t.Fatal(err)
		}
		var got string
		if x.Output != nil {
			got = x.Output.String()
		} else {
			got = *x.Error + ": " + *x.Cause
		}
		if got != want && (in != "missing" || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: it ended with %s, want %s", in, got, want)
		}
	}
	stop()
	if r := <-ended; r.code != 0 || r.out != "" || !strings.Contains(r.err, "Working on tasks of activity work. Ctrl-C stops it.") {
		t.Errorf("the worker ended with %d\n%s%s", r.code, r.out, r.err)
	}
}
