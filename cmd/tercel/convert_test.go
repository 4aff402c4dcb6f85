package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// local runs a command that needs no server.
func local(t *testing.T, input string, args ...string) (code int, out, notes string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, environment{
		in: strings.NewReader(input), out: &stdout, err: &stderr, getenv: func(string) string { return "" },
	})
	return code, stdout.String(), stderr.String()
}

const crooked = "States: {A: {End: true, Type: Pass, InputPath: $.a}}\nStartAt: A\n"

func TestFmt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.asl.yaml")
	if err := os.WriteFile(file, []byte(crooked), 0o600); err != nil {
		t.Fatal(err)
	}
	const straight = "StartAt: A\nStates: {A: {Type: Pass, InputPath: $.a, End: true}}\n"
	if code, out, _ := local(t, crooked, "fmt"); code != exitOK || out != straight {
		t.Errorf("from the standard input: %d, %s", code, out)
	}
	if code, out, _ := local(t, "", "fmt", file); code != exitOK || out != straight {
		t.Errorf("of a file: %d, %s", code, out)
	}
	if code, out, _ := local(t, "", "fmt", "--check", file); code != exitFailure || out != file+"\n" {
		t.Errorf("--check: %d, %s", code, out)
	}
	if code, out, _ := local(t, "", "fmt", "-w", file); code != exitOK || out != file+"\n" {
		t.Errorf("-w: %d, %s", code, out)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != straight {
		t.Errorf("-w wrote %s, %v", text, err)
	}
	if code, out, _ := local(t, "", "fmt", "--check", file); code != exitOK || out != "" {
		t.Errorf("--check after -w: %d, %s", code, out)
	}
	if code, _, notes := local(t, "a: [", "fmt"); code != exitInvalid || !strings.Contains(notes, "INVALID_YAML") {
		t.Errorf("broken: %d, %s", code, notes)
	}
	if code, _, _ := local(t, "", "fmt", file+"x"); code != exitNotFound {
		t.Errorf("no file: %d", code)
	}
	if code, _, _ := local(t, "", "fmt", "-w", "--check", file); code != exitUsage {
		t.Errorf("-w and --check: %d", code)
	}
}

func TestConvert(t *testing.T) {
	for to, want := range map[string]string{
		"cel":  `Output: "{% states.input.a %}"`,
		"json": "\"InputPath\": \"$.a\",\n",
		"yaml": "InputPath: $.a",
	} {
		if code, out, _ := local(t, crooked, "convert", "--to", to, "-"); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("--to %s: %d, %s", to, code, out)
		}
	}
	if _, _, notes := local(t, crooked, "convert", "--to", "cel", "-"); !strings.Contains(notes, "States.QueryEvaluationError") {
		t.Errorf("the notes are %s", notes)
	}
	for _, args := range [][]string{{"convert", "-"}, {"convert", "--to", "toml", "-"}, {"convert", "--to", "cel"}} {
		if code, _, _ := local(t, crooked, args...); code != exitUsage {
			t.Errorf("%v: %d", args, code)
		}
	}
	if code, _, notes := local(t, "StartAt: A\n", "convert", "--to", "cel", "-"); code != exitInvalid || !strings.Contains(notes, "MISSING_FIELD") {
		t.Errorf("broken: %d, %s", code, notes)
	}
}

func TestExplainAndSchema(t *testing.T) {
	if code, out, _ := local(t, "", "validate", "--explain", "[unreachable_state]"); code != exitOK || !strings.HasPrefix(out, "# UNREACHABLE_STATE\n") {
		t.Errorf("--explain: %d, %s", code, out)
	}
	if code, _, notes := local(t, "", "validate", "--explain", "UNREACHABLE_STAT"); code != exitNotFound || !strings.Contains(notes, "did you mean") {
		t.Errorf("--explain of an unknown code: %d, %s", code, notes)
	}
	if code, out, _ := local(t, "", "schema"); code != exitOK || !strings.Contains(out, "2020-12") {
		t.Errorf("schema: %d, %.80s", code, out)
	}
}
