// Package notify tells people of approvals: by a webhook or by mail. (The third way, a function of the registry, is for
// the engine to call.) It keeps nothing and tries once; when to send, and again, is the engine's to know.
package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"time"
)

// The ways by which people are told.
const (
	WayFunction = "function"
	WayWebhook  = "webhook"
	WayMail     = "smtp"
)

// Config says by which ways people are told: any of them, or none.
type Config struct {
	Function string         `json:"function,omitempty" yaml:"function,omitempty"` // the name of a function of the registry
	Webhook  *WebhookConfig `json:"webhook,omitempty" yaml:"webhook,omitempty"`
	SMTP     *SMTPConfig    `json:"smtp,omitempty" yaml:"smtp,omitempty"`
}

// WebhookConfig is where messages are posted.
type WebhookConfig struct {
	URL string `json:"url" yaml:"url"`
}

// SMTPConfig is the mail server that takes messages.
type SMTPConfig struct {
	Host     string `json:"host" yaml:"host"`
	Port     int    `json:"port,omitempty" yaml:"port,omitempty"` // default 587, with TLS "implicit" 465, with "none" 25
	From     string `json:"from" yaml:"from"`                     // an address, as in "Tercel <tercel@example.com>"
	Username string `json:"username,omitempty" yaml:"username,omitempty"`
	TLS      string `json:"tls,omitempty" yaml:"tls,omitempty"` // starttls (the default), implicit or none
}

// Empty tells whether nobody is told.
func (c *Config) Empty() bool { return len(c.Ways()) == 0 }

// Ways gives the ways that are configured.
func (c *Config) Ways() []string {
	var ways []string
	if c.Function != "" {
		ways = append(ways, WayFunction)
	}
	if c.Webhook != nil {
		ways = append(ways, WayWebhook)
	}
	if c.SMTP != nil {
		ways = append(ways, WayMail)
	}
	return ways
}

// Check says what is wrong with the configuration.
func (c *Config) Check() error {
	var errs []error
	if w := c.Webhook; w != nil {
		if u, err := url.Parse(w.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			errs = append(errs, fmt.Errorf("webhook: url is %q; give an http or https URL", w.URL))
		}
	}
	if s := c.SMTP; s != nil {
		if s.Host == "" || strings.ContainsAny(s.Host, " /:@") {
			errs = append(errs, fmt.Errorf("smtp: host is %q; give the name of the mail server, and the port apart", s.Host))
		}
		if s.Port < 0 || s.Port > 65535 {
			errs = append(errs, fmt.Errorf("smtp: port is %d; give one from 1 to 65535", s.Port))
		}
		if _, err := mail.ParseAddress(s.From); err != nil {
			errs = append(errs, fmt.Errorf("smtp: from is %q; give an address, as in Tercel <tercel@example.com>", s.From))
		}
		switch s.TLS {
		case "", "starttls", "implicit", "none":
		default:
			errs = append(errs, fmt.Errorf("smtp: tls is %q; give starttls, implicit or none", s.TLS))
		}
	}
	return errors.Join(errs...)
}

// Message is what somebody is told. It is the body of a webhook and the argument of a function.
type Message struct {
	ID       string   `json:"id"`   // the same for each delivery of one message
	Kind     string   `json:"kind"` // asked, reminder, delegated or closed
	To       string   `json:"to"`
	From     string   `json:"from,omitempty"` // with delegated: who handed the decision on
	Link     string   `json:"link"`           // leads To to the approval; whoever has it decides in their name
	Outcome  string   `json:"outcome"`        // a sentence that says how the approval stands
	Approval Approval `json:"approval"`
}

// Approval is what is to be decided, as a message has it.
type Approval struct {
	ID            string          `json:"id"`
	Execution     string          `json:"execution"`
	Namespace     string          `json:"namespace"`
	StateMachine  string          `json:"stateMachine"`
	ExecutionName string          `json:"executionName"`
	State         string          `json:"state"`
	Status        string          `json:"status"`
	Title         string          `json:"title"`
	Description   string          `json:"description,omitempty"`
	RequestedBy   string          `json:"requestedBy,omitempty"`
	Data          json.RawMessage `json:"data,omitempty"`
	Form          json.RawMessage `json:"form,omitempty"`
	Approvers     []string        `json:"approvers"`
	Waiting       []string        `json:"waiting,omitempty"`
	Decisions     []Decision      `json:"decisions,omitempty"`
	AskedAt       time.Time       `json:"askedAt"`
	Deadline      *time.Time      `json:"deadline,omitempty"`
}

// Decision is what an approver has decided.
type Decision struct {
	By       string          `json:"by"`
	At       time.Time       `json:"at"`
	Decision string          `json:"decision"`
	Comment  string          `json:"comment,omitempty"`
	Form     json.RawMessage `json:"form,omitempty"`
	Actor    string          `json:"actor,omitempty"`
}

// SignatureHeader carries the HMAC-SHA256 of a webhook's body, as sha256=HEX.
const SignatureHeader = "Tercel-Signature"

// Webhook posts a message. Any status below 300 is a success. With a secret the body is signed.
func Webhook(ctx context.Context, client *http.Client, c WebhookConfig, secret string, m *Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("writing the message: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", m.ID)
	if secret != "" {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		request.Header.Set(SignatureHeader, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("posting the message: %w", err)
	}
	defer answer.Body.Close()
	const most = 4 << 10
	text, _ := io.ReadAll(io.LimitReader(answer.Body, most)) // what it says is for the log only
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the webhook answered %s: %.200s", answer.Status, text)
	}
	return nil
}
