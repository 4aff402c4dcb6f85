package awsapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/tercel-workflows/tercel/engine/access"
)

// AWS's other clients drive a server, each from the folder of its language in clients. They come from npm, Debian and the like: where
// they cannot be had, their tests are skipped.

// clientsPatience bounds what one run of a client's suite takes, and installing it.
const clientsPatience = 4 * time.Minute

// clientKeys are what the suites are told of a server.
type clientKeys struct {
	Endpoint string         `json:"endpoint"`
	Key      string         `json:"key"`
	Secret   string         `json:"secret"`
	Reader   map[string]any `json:"reader"`
}

// guarded starts a server that asks for keys, with a key that may do everything an application and its deployment do, and one that
// may only read.
func guarded(t *testing.T) (*server, clientKeys) {
	t.Helper()
	s := startServer(t, access.Config{Exposed: true})
	create := func(name string, scopes ...access.Scope) access.Created {
		made, err := s.access.Create(s.ctx, access.NewKey{Name: name, Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	app, reader := create("app", access.Deploy, access.Read, access.Run), create("reader", access.Read)
	return s, clientKeys{
		Endpoint: s.url, Key: app.ID, Secret: app.AWSSecret, Reader: map[string]any{"key": reader.ID, "secret": reader.AWSSecret},
	}
}

// environ is the environment of a program that uses the service: where it is, and a key. Nothing of the machine's own settings
// for AWS is in it.
func (k clientKeys) environ(more ...string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			env = append(env, v)
		}
	}
	return append(append(env, "AWS_ENDPOINT_URL_SFN="+k.Endpoint, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID="+k.Key, "AWS_SECRET_ACCESS_KEY="+k.Secret, "AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true"), more...)
}

// file writes what a suite is told of the server.
func (k clientKeys) file(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "server.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// runs has a suite run to its end.
func runs(t *testing.T, dir string, env []string, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientsPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}

// javascript gives a folder with the programs in JavaScript and what they import, installed once into the user's cache as its
// lock says.
func javascript(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("AWS's other clients are for the long run")
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s on this machine: AWS's SDK for JavaScript is not tried", tool)
		}
	}
	lock, err := os.ReadFile("clients/javascript/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	packages := filepath.Join(cache, "tercel-test-clients")
	if installed, err := os.ReadFile(filepath.Join(packages, "installed")); err != nil || !bytes.Equal(installed, lock) {
		install(t, packages, lock)
	}
	// The programs find what they import beside themselves.
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("clients")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(packages, "node_modules"), filepath.Join(dir, "javascript", "node_modules")); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "javascript")
}

// install installs the packages of the lock.
func install(t *testing.T, dir string, lock []byte) {
	t.Helper()
	manifest, err := os.ReadFile("clients/javascript/package.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Skipf("making the folder for npm: %v", err)
	}
	for name, text := range map[string][]byte{"package.json": manifest, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Skipf("making the folder for npm: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientsPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=30000")
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install AWS's SDK for JavaScript: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "installed"), lock, 0o644); err != nil {
		t.Skipf("marking the installation: %v", err)
	}
}

func TestClientJavaScript(t *testing.T) {
	dir := javascript(t)
	_, keys := guarded(t)
	runs(t, dir, keys.environ("TERCEL_CLIENTS="+keys.file(t)), "node", "--test", "suite.test.mjs")
}

func TestClientPython(t *testing.T) {
	if testing.Short() {
		t.Skip("AWS's other clients are for the long run")
	}
	python := pythonWith(t, "boto3", "python3-boto3")
	_, keys := guarded(t)
	runs(t, "clients/python", keys.environ("TERCEL_CLIENTS="+keys.file(t), "PYTHONDONTWRITEBYTECODE=1"), python, "suite.py")
}

// pythonWith gives a Python that has a module, which Debian has in a package.
func pythonWith(t *testing.T, module, debian string) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "import "+module).Run() == nil {
			return python
		}
	}
	t.Skipf("there is no Python with %s on this machine: it is not tried (Debian has it as %s)", module, debian)
	return ""
}

// TestScenarioIsWhole sees to it that the other clients try every operation.
func TestScenarioIsWhole(t *testing.T) {
	text, err := os.ReadFile("clients/scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	var scenario struct{ Steps []struct{ Call string } }
	if err := json.Unmarshal(text, &scenario); err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	for _, s := range scenario.Steps {
		tried[s.Call] = true
	}
	if len(tried) != 37 {
		t.Errorf("the scenario tries %d operations, want 37", len(tried))
	}
}

// program starts a program written for the service, and stops it at the end of the test.
func program(t *testing.T, dir string, env []string, words ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, env, &out, &out, time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(words[0]), out.String())
		}
	})
}

// TestProgramsForTheService runs a worker and a callback client that are written against the service, as they are, in Go and in
// JavaScript.
func TestProgramsForTheService(t *testing.T) {
	t.Run("Go", func(t *testing.T) {
		bin := t.TempDir()
		build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./clients/worker", "./clients/callback")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building the programs: %v\n%s", err, out)
		}
		written(t, bin, []string{filepath.Join(bin, "worker")}, []string{filepath.Join(bin, "callback")})
	})
	t.Run("JavaScript", func(t *testing.T) {
		written(t, javascript(t), []string{"node", "worker.mjs"}, []string{"node", "callback.mjs"})
	})
}

// written has a worker and a callback client do the tasks of an execution.
func written(t *testing.T, dir string, worker, callback []string) {
	t.Helper()
	s, keys := guarded(t)
	s.Client = s.client(keys.Key, keys.Secret)
	tokens := s.keeper()
	activity := *arnOf("activity", "pricing")
	runsOnce := func(want string, words ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
		cmd.Dir, cmd.Env = dir, keys.environ()
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want+"\n" {
			t.Errorf("%s: %v, %q, want %q", words[0], err, out, want)
		}
	}
	if _, err := s.CreateActivity(s.ctx, &sfn.CreateActivityInput{Name: aws.String("pricing")}); err != nil {
		t.Fatal(err)
	}
	program(t, dir, keys.environ(), append(worker, activity)...)
	machine := s.create("order", fmt.Sprintf(`{"StartAt": "Price", "States": {
		"Price": {"Type": "Task", "Resource": %q, "TimeoutSeconds": 300, "HeartbeatSeconds": 60, "ResultPath": "$.total", "Next": "Approve"},
		"Approve": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 300,
			"Parameters": {"FunctionName": "keep", "Payload": {"token.$": "$$.Task.Token"}}, "ResultPath": "$.approval", "End": true}}}`, activity))
	x := s.start(machine, "", `{"lines":[{"quantity":3,"price":5},{"quantity":1,"price":2}]}`)
	token := <-tokens
	runsOnce("told", append(callback, token, `{"by":"ann"}`)...)
	end := s.end(x)
	same(t, "output", *end.Output, `{"lines":[{"quantity":3,"price":5},{"quantity":1,"price":2}],"total":17,"approval":{"by":"ann"}}`)
	runsOnce("too late", append(callback, token, `{"by":"bob"}`)...)

	end = s.end(s.start(machine, "", `{"lines":[]}`))
	if end.Error == nil || *end.Error != "BadOrder" || *end.Cause != "the order has no lines" {
		t.Errorf("a bad order ends as %v", end)
	}
}
