package local

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Message is what somebody is told of an approval, as the example expense-approval puts it into its outbox.
type Message struct {
	Kind     string `json:"kind"`
	To       string `json:"to"`
	Link     string `json:"link"`
	Outcome  string `json:"outcome"`
	Approval struct {
		Title         string `json:"title"`
		ExecutionName string `json:"executionName"`
		State         string `json:"state"`
	} `json:"approval"`
}

// AwaitMessage waits for a message of a kind to somebody, about a state of an execution.
func AwaitMessage(ctx context.Context, outbox, kind, to, execution, state string) (Message, error) {
	for {
		files, err := filepath.Glob(filepath.Join(outbox, "*.json"))
		if err != nil {
			return Message{}, fmt.Errorf("looking into the outbox: %w", err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return Message{}, fmt.Errorf("reading a message: %w", err)
			}
			var m Message
			if err := json.Unmarshal(text, &m); err != nil {
				return Message{}, fmt.Errorf("reading the message %s: %w", file, err)
			}
			if m.Kind == kind && m.To == to && m.Approval.ExecutionName == execution && m.Approval.State == state {
				return m, nil
			}
		}
		select {
		case <-ctx.Done():
			return Message{}, fmt.Errorf("waiting for the message %s to %s: %w", kind, to, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Open opens the link of an approval, as a browser does, and gives the page.
func Open(ctx context.Context, link string) (string, error) {
	return page(ctx, http.MethodGet, link, nil)
}

// Press posts the form of an approval's page with one of its buttons: approve, reject or delegate. Fields are typed by their
// labels.
func Press(ctx context.Context, link, button string, fields map[string]string, comment string) (string, error) {
	text, err := Open(ctx, link)
	if err != nil {
		return "", err
	}
	form := url.Values{"decision": {button}, "comment": {comment}}
	for label, typed := range fields {
		id, err := inputOf(text, label)
		if err != nil {
			return "", err
		}
		form.Set("field."+id, typed)
	}
	return page(ctx, http.MethodPost, link, form)
}

// inputOf finds the number of the input with a label.
func inputOf(page, label string) (string, error) {
	for part := range strings.SplitSeq(page, `<label for="f`) {
		id, rest, ok := strings.Cut(part, `">`)
		if ok && strings.HasPrefix(rest, label) {
			return id, nil
		}
	}
	return "", fmt.Errorf("the page has no field %q", label)
}

func page(ctx context.Context, method, link string, form url.Values) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, link, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("opening the link: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("opening the link: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", fmt.Errorf("reading the page: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return string(text), fmt.Errorf("the page answers %s", answer.Status)
	}
	return string(text), nil
}
