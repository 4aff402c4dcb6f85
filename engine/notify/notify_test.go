package notify_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine/notify"
)

// mailServer speaks SMTP with one client, and keeps what it was sent.
type mailServer struct {
	port     int
	commands chan string // the lines of the conversation
	mail     chan string // the messages
}

func newMailServer(t *testing.T, refuses string) *mailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s := &mailServer{port: l.Addr().(*net.TCPAddr).Port, commands: make(chan string, 100), mail: make(chan string, 1)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.talk(c, refuses)
		}
	}()
	return s
}

func (s *mailServer) talk(c net.Conn, refuses string) {
	defer c.Close()
	in := bufio.NewReader(c)
	say := func(text string) { _, _ = fmt.Fprintf(c, "%s\r\n", text) }
	say("220 test")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		s.commands <- line
		word, _, _ := strings.Cut(line, " ")
		switch {
		case refuses != "" && strings.HasPrefix(line, refuses):
			say("550 no")
		case word == "EHLO":
			say("250-test")
			say("250 8BITMIME")
		case word == "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				text.WriteString(line)
			}
			s.mail <- text.String()
			say("250 taken")
		case word == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func message() *notify.Message {
	deadline := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	return &notify.Message{
		ID: "01", Kind: "asked", To: "ada@example.com", Link: "https://tercel.example.com/approve/abc", Outcome: "It waits for ada@example.com.",
		Approval: notify.Approval{
			Title: "Pay\r\nBcc: eve@example.com <b>", RequestedBy: "grace", Data: json.RawMessage(`{"amount": 12.50, "what": "tea & cake"}`), Deadline: &deadline,
		},
	}
}

// TestMail: a real conversation. The mail has the link as text and as HTML, and nothing that is put into a title gets into its header.
func TestMail(t *testing.T) {
	t.Parallel()
	s := newMailServer(t, "")
	c := notify.SMTPConfig{Host: "127.0.0.1", Port: s.port, From: "Tercel <tercel@example.com>", TLS: "none"}
	if err := notify.Mail(t.Context(), c, "", message()); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(<-s.mail, "=\r\n", "") // lines are broken as quoted-printable has it
	for _, part := range []string{
		"To: <ada@example.com>", `From: "Tercel" <tercel@example.com>`, "multipart/alternative", "text/plain", "text/html",
		"https://tercel.example.com/approve/abc", "tea & cake", "tea &amp; cake", "12.50", "31 January 2030", "&lt;b&gt;", "Auto-Submitted: auto-generated",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the mail lacks %q:\n%s", part, text)
		}
	}
	header, _, _ := strings.Cut(text, "\r\n\r\n")
	if strings.Contains(header, "\nBcc:") {
		t.Errorf("a title gets into the header:\n%s", header)
	}
	close(s.commands)
	for line := range s.commands {
		if strings.HasPrefix(line, "RCPT") && line != "RCPT TO:<ada@example.com>" {
			t.Errorf("it is sent to %s", line)
		}
	}
}

// TestMailTrouble: what goes wrong is an error, and a name that is no address is passed over.
func TestMailTrouble(t *testing.T) {
	t.Parallel()
	s := newMailServer(t, "RCPT")
	c := notify.SMTPConfig{Host: "127.0.0.1", Port: s.port, From: "tercel@example.com", TLS: "none"}
	if err := notify.Mail(t.Context(), c, "", message()); err == nil || !strings.Contains(err.Error(), "550") {
		t.Errorf("a recipient who is refused: %v", err)
	}
	c.TLS = ""
	if err := notify.Mail(t.Context(), c, "", message()); err == nil {
		t.Error("a server without TLS is given mail")
	}
	m := message()
	m.To = "the boss"
	if err := notify.Mail(t.Context(), notify.SMTPConfig{Host: "127.0.0.1", Port: 1}, "", m); err != nil {
		t.Errorf("a name that is no address: %v", err)
	}
}

// TestKinds: each kind of message says what it is.
func TestKinds(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"reminder": "Subject: Reminder: Pay", "delegated": "Subject: Handed on to you: Pay", "closed": "Subject: No longer needed: Pay (timed out)",
	} {
		s := newMailServer(t, "")
		m := message()
		m.Kind, m.Approval.Title, m.Approval.Status = kind, "Pay", "TIMED_OUT"
		if err := notify.Mail(t.Context(), notify.SMTPConfig{Host: "127.0.0.1", Port: s.port, From: "t@example.com", TLS: "none"}, "", m); err != nil {
			t.Fatal(err)
		}
		if text := <-s.mail; !strings.Contains(text, want) {
			t.Errorf("%s: %s", kind, text)
		}
	}
}

// TestWebhook: the body is signed, and a status that is no success is an error.
func TestWebhook(t *testing.T) {
	t.Parallel()
	status := http.StatusNoContent
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.WriteHeader(status)
	}))
	defer server.Close()
	c := notify.WebhookConfig{URL: server.URL}
	if err := notify.Webhook(t.Context(), server.Client(), c, "secret", message()); err != nil {
		t.Fatal(err)
	}
	if signature := got.Header.Get(notify.SignatureHeader); !strings.HasPrefix(signature, "sha256=") || len(signature) != len("sha256=")+64 {
		t.Errorf("the signature is %q", signature)
	}
	if got.Header.Get("Idempotency-Key") != "01" {
		t.Error("there is no idempotency key")
	}
	status = http.StatusBadGateway
	if err := notify.Webhook(t.Context(), server.Client(), c, "", message()); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("a status that is no success: %v", err)
	}
}

// TestCheck: what is wrong with a configuration is said, all at once.
func TestCheck(t *testing.T) {
	t.Parallel()
	c := notify.Config{
		Webhook: &notify.WebhookConfig{URL: "chat.example.com"}, SMTP: &notify.SMTPConfig{Host: "mail:25", Port: -1, From: "x", TLS: "maybe"},
	}
	err := c.Check()
	for _, part := range []string{"webhook: url", "smtp: host", "smtp: port", "smtp: from", "smtp: tls"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s is not told of: %v", part, err)
		}
	}
	good := notify.Config{Function: "f", SMTP: &notify.SMTPConfig{Host: "mail.example.com", From: "a@example.com"}}
	if err := good.Check(); err != nil || good.Empty() || len(good.Ways()) != 2 {
		t.Errorf("a good one: %v, %v", err, good.Ways())
	}
}
