package main

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/migrations"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// TestServeAsksForKeys goes the way of an operator: a server that does not start without a key, the first key, a key for somebody else,
// its end, and what the audit says of it all.
func TestServeAsksForKeys(t *testing.T) {
	s := newShell(t)
	database := storetest.Empty(t)
	r := s.must(exitUsage, "serve", "--database-url", database, "--listen", "0.0.0.0:0")
	if !strings.Contains(r.err, "there is no access key yet") || !strings.Contains(r.err, "tercel keys create admin --scope admin --database-url") {
		t.Errorf("without a key it says %s", r.err)
	}
	s.must(exitUsage, "serve", "--database-url", database, "--trusted-proxies", "nowhere")
	if err := migrations.Down(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	s.must(exitUsage, "keys", "list", "--database-url", database) // there are no tables, and listing makes none
	r = s.must(exitOK, "keys", "create", "first", "--scope", "admin", "--database-url", database)
	admin := strings.TrimSpace(r.out)
	if !regexp.MustCompile(`^tercel_[a-z2-7]{55}$`).MatchString(admin) || !strings.Contains(r.err, "AWS_SECRET_ACCESS_KEY=") {
		t.Errorf("made %s\n%s", r.out, r.err)
	}
	s.env["TERCEL_DATABASE_URL"] = database
	if r := s.must(exitOK, "keys", "create", "second", "--scope", "admin", "--if-none"); r.out != "" {
		t.Errorf("--if-none made %s", r.out)
	}
	s.must(exitOK, "keys", "list") // by the variable, since there is no key
	url := s.serveProcess(database)
	s.env["TERCEL_SERVER"] = url
	delete(s.env, "TERCEL_DATABASE_URL")

	s.must(exitOK, "health")
	r = s.must(exitDenied, "list")
	if !strings.Contains(r.err, "TERCEL_KEY") {
		t.Errorf("without a key: %s", r.err)
	}
	s.must(exitDenied, "list", "--key", "tercel_nonsense")
	s.must(exitNotFound, "list", "--key", "@nothing")
	s.env["TERCEL_KEY"] = "@" + s.write("key", admin+"\n")
	s.must(exitOK, "deploy", s.write("echo.asl.yaml", echoYAML))
	var made wire.CreatedKey
	r = s.must(exitOK, "keys", "create", "ci", "--scope", "read,run", "--namespace", "shop", "--expires", "720h", "--json")
	if err := json.Unmarshal([]byte(r.out), &made); err != nil || made.Namespaces[0] != "shop" || made.SecretAccessKey == "" {
		t.Fatalf("made %s: %v", r.out, err)
	}
	s.must(exitOK, "list", "--key", made.Secret)
	r = s.must(exitDenied, "deploy", s.write("echo.asl.yaml", echoYAML), "--key", made.Secret)
	if !strings.Contains(r.err, "needs the scope deploy") || !strings.Contains(r.err, "ci") {
		t.Errorf("without the scope: %s", r.err)
	}
	s.must(exitDenied, "list", "--key", made.Secret, "--namespace", "bank")
	s.must(exitUsage, "keys", "create", "x", "--scope", "write")
	s.must(exitUsage, "keys", "create", "x")
	s.must(exitInvalid, "keys", "create", "x", "--scope", "admin", "--namespace", "a")
	s.must(exitOK, "keys", "revoke", made.ID)
	s.must(exitNotFound, "keys", "revoke", "TKIANOTHING")
	s.must(exitDenied, "list", "--key", made.Secret)
	r = s.must(exitOK, "keys", "list")
	for _, want := range []string{"first", "ci", "read,run", "shop", "revoked", "active"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("the list lacks %s:\n%s", want, r.out)
		}
	}
	s.must(exitOK, "keys", "list", "--json")
	s.audits(made.ID)
}

// audits waits until the audit says what happened.
func (s *shell) audits(revoked string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		out := s.must(exitOK, "audit", "list", "--since", "1h", "--limit", "0").out
		missing := ""
		for _, want := range []string{
			`database +CreateKey .*ok`, `first +DeployStateMachine +default +state-machine/echo +127\.0\.0\.1 +ok`, `anonymous +ListExecutions .*Unauthenticated`,
			`ci +DeployStateMachine +shop .*AccessDenied`, `first +RevokeKey +- +key/` + revoked + ` .*ok`, `first +RevokeKey .*KeyDoesNotExist`,
		} {
			if !regexp.MustCompile(`(?m) ` + want + `$`).MatchString(out) {
				missing = want
			}
		}
		if missing == "" {
			break
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the audit lacks %s:\n%s", missing, out)
		}
	}
	if r := s.must(exitOK, "audit", "list", "--actor", "ci", "--action", "deploystatemachine", "--json"); strings.Count(r.out, "\n") != 1 {
		s.t.Errorf("chosen:\n%s", r.out)
	}
	s.must(exitUsage, "audit", "list", "--since", "yesterday")
}

// serveProcess runs `tercel serve` in this process, and gives its address once it works.
func (s *shell) serveProcess(database string) string {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &logLines{found: make(chan string, 1)}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--database-url", database, "--listen", "127.0.0.1:0", "--grace", "1ms"}, environment{
			in: strings.NewReader(""), out: log, err: log, getenv: func(string) string { return "" },
		})
	}()
	s.t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitOK {
			s.t.Errorf("serve ended with %d", code)
		}
	})
	select {
	case url := <-log.found:
		return url
	case <-time.After(patience):
		s.t.Fatal("the server does not say its address")
		return ""
	}
}

// logLines finds the address of a server in its log.
type logLines struct{ found chan string }

var servingAt = regexp.MustCompile(`msg=serving url=(\S+)`)

func (l *logLines) Write(text []byte) (int, error) {
	if m := servingAt.FindSubmatch(text); m != nil {
		select {
		case l.found <- string(m[1]):
		default:
		}
	}
	return len(text), nil
}
