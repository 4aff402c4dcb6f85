package project_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/cmd/tercel/project"
	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// write puts files into a folder of their own and gives the path of the registry file.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, project.DefaultFile)
}

func TestLoad(t *testing.T) {
	path := write(t, map[string]string{
		"tercel.yaml": `
namespace: shop
functions:
  charge:
    http: {url: "http://localhost:9000/charge", headers: {X-Port: 9000}, timeout_seconds: 2.5}
    max_concurrency: 8
  resize: {command: {argv: [./resize.sh, "--fast"], dir: bin}}
  here: {command: {argv: [date]}}
  own: {go: true}
state_machines:
  order: {definition: defs/order.asl.yaml, type: STANDARD}
`,
		"defs/order.asl.yaml": "StartAt: A",
	})
	p, err := project.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	if p.Namespace != "shop" || len(p.Functions) != 4 || len(p.Machines) != 1 {
		t.Fatalf("got %+v", p)
	}
	charge, here, own, resize := p.Functions[0], p.Functions[1], p.Functions[2], p.Functions[3]
	if charge.Name != "charge" || charge.Config.HTTP.URL != "http://localhost:9000/charge" ||
		charge.Config.HTTP.Headers["X-Port"] != "9000" || charge.Config.HTTP.TimeoutSeconds != 2.5 || charge.Config.MaxConcurrency != 8 {
		t.Errorf("charge is %+v", charge)
	}
	if got := resize.Config.Command.Dir; got != filepath.Join(dir, "bin") {
		t.Errorf("resize runs in %s", got)
	}
	if got := here.Config.Command.Dir; got != dir {
		t.Errorf("a command without a folder runs in %s, want that of the registry file", got)
	}
	if !own.Config.Go {
		t.Errorf("own is %+v", own)
	}
	if m := p.Machines[0]; m.Name != "order" || m.Type != "STANDARD" || m.File != filepath.Join(dir, "defs/order.asl.yaml") {
		t.Errorf("order is %+v", m)
	}
}

func TestEmptyRegistry(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "functions:\nstate_machines:\n", "{}"} {
		p, err := project.Parse("tercel.yaml", []byte(text))
		if err != nil || len(p.Functions)+len(p.Machines) != 0 {
			t.Errorf("%q: got %+v, %v", text, p, err)
		}
	}
}

func TestNoRegistry(t *testing.T) {
	_, err := project.Load(filepath.Join(t.TempDir(), "tercel.yaml"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestMistakes checks place, message and hint of everything that can be wrong with a registry file.
func TestMistakes(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string // the first line of each finding, then its hint if there is one
	}{
		"no YAML": {"functions: [", []string{
			"tercel.yaml:1:1: error: this is not valid YAML: did not find expected node content [INVALID_YAML]",
		}},
		"a list": {"- a", []string{
			"tercel.yaml:1:1: error: the file must be an object with namespace, functions, connections, state_machines, notifications, but is a list [INVALID_TYPE]",
		}},
		"unknown fields": {"fuctions: {}\nversion: 3\n", []string{
			`tercel.yaml:1:1: error: there is no field "fuctions" here [UNKNOWN_FIELD]`, `did you mean "functions"?`,
			`tercel.yaml:2:1: error: there is no field "version" here [UNKNOWN_FIELD]`,
			"the fields are namespace, functions, connections, state_machines, notifications",
		}},
		"a field of a function": {"functions:\n  f:\n    http: {uri: x}\n", []string{
			`tercel.yaml:3:12: error: there is no field "uri" here [UNKNOWN_FIELD]`, `did you mean "url"?`,
		}},
		"wrong types": {"namespace: [a]\nfunctions:\n  f: {http: {url: {}}, max_concurrency: many}\n  g: {command: {argv: date}}\n  h: {go: perhaps}\n", []string{
			`tercel.yaml:1:12: error: "namespace" must be a string, but is a list [INVALID_TYPE]`,
			`tercel.yaml:3:19: error: "url" must be a string, but is an object [INVALID_TYPE]`,
			`tercel.yaml:3:41: error: "max_concurrency" must be a whole number, but is "many" [INVALID_TYPE]`,
			`tercel.yaml:4:23: error: "argv" must be a list, but is "date" [INVALID_TYPE]`,
			`tercel.yaml:5:11: error: "go" must be true or false, but is "perhaps" [INVALID_TYPE]`,
		}},
		"twice": {"functions:\n  f: {go: true}\n  f: {go: true}\n", []string{
			`tercel.yaml:3:3: error: "f" is here twice; the first is in line 2 [DUPLICATE_KEY]`,
		}},
		"no definition": {"state_machines:\n  order: {type: STANDARD}\n", []string{
			`tercel.yaml:2:10: error: state machine "order" has no definition [MISSING_FIELD]`,
			"name the file that holds it: definition: order.asl.yaml",
		}},
		"no such file": {"state_machines:\n  order: {definition: nowhere.yaml, type: FAST}\n", []string{
			"tercel.yaml:2:23: error: there is no file nowhere.yaml [FILE_NOT_FOUND]",
			"paths are relative to the folder of tercel.yaml",
			`tercel.yaml:2:43: error: the type of a state machine is STANDARD or EXPRESS, not "FAST" [INVALID_VALUE]`,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := project.Parse("tercel.yaml", []byte(test.text))
			var found diag.List
			if !errors.As(err, &found) {
				t.Fatalf("got %v", err)
			}
			var got []string
			for _, d := range found {
				got = append(got, d.String())
				if d.Hint != "" {
					got = append(got, d.Hint)
				}
				if d.Source != strings.Split(test.text, "\n")[d.Line-1] {
					t.Errorf("the line shown is %q", d.Source)
				}
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// FuzzParse looks for registry files that make the reader panic.
func FuzzParse(f *testing.F) {
	f.Add("functions: {f: {http: {url: x}}}")
	f.Add("a: &a [*a]")
	f.Add("state_machines: {? [x] : y}")
	f.Add("functions: &f {g: *f}")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := project.Parse("tercel.yaml", []byte(text)); (p == nil) == (err == nil) {
			t.Errorf("got %v and %v", p, err)
		}
	})
}
