package notify

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// mailTimeout bounds one conversation with a mail server.
const mailTimeout = 30 * time.Second

// Mail sends a message by mail, as text and as HTML. Somebody whose name is no e-mail address is not told, which is no
// error: they have other ways.
func Mail(ctx context.Context, c SMTPConfig, password string, m *Message) error {
	to, err := mail.ParseAddress(m.To)
	if err != nil || to.Address != m.To {
		return nil //nolint:nilerr // see above
	}
	text, html, err := render(m)
	if err != nil {
		return fmt.Errorf("writing the mail: %w", err)
	}
	message := gomail.NewMsg()
	if err := message.From(c.From); err != nil {
		return fmt.Errorf("the sender: %w", err)
	}
	if err := message.To(m.To); err != nil {
		return fmt.Errorf("the recipient: %w", err)
	}
	message.Subject(subject(m))
	message.SetMessageIDWithValue(m.ID + "@" + c.Host)
	message.SetDate()
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetBodyString(gomail.TypeTextPlain, text)
	message.AddAlternativeString(gomail.TypeTextHTML, html)
	client, err := gomail.NewClient(c.Host, options(c, password)...)
	if err != nil {
		return fmt.Errorf("the mail server: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		return fmt.Errorf("sending the mail: %w", err)
	}
	return nil
}

func options(c SMTPConfig, password string) []gomail.Option {
	const submission, implicit, plain = 587, 465, 25
	port, list := submission, []gomail.Option{gomail.WithTimeout(mailTimeout)}
	switch c.TLS {
	case "implicit":
		port, list = implicit, append(list, gomail.WithSSL())
	case "none":
		port, list = plain, append(list, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		list = append(list, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if c.Port != 0 {
		port = c.Port
	}
	list = append(list, gomail.WithPort(port))
	if c.Username != "" {
		list = append(list, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(c.Username), gomail.WithPassword(password))
	}
	return list
}

// subject is the subject of the mail, in one line.
func subject(m *Message) string {
	title := strings.Join(strings.Fields(m.Approval.Title), " ")
	switch m.Kind {
	case "reminder":
		return "Reminder: " + title
	case "delegated":
		return "Handed on to you: " + title
	case "closed":
		return "No longer needed: " + title + " (" + strings.ToLower(strings.ReplaceAll(m.Approval.Status, "_", " ")) + ")"
	default:
		return "Please decide: " + title
	}
}
