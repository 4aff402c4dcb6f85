package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// readInput reads JSON that is given as text, as @file, or as - for the standard input. Bad JSON is an error with the
// exit code for invalid input that tells the place.
func (a *app) readInput(text string) (json.RawMessage, error) {
	source := "the input"
	raw := []byte(text)
	switch {
	case text == "":
		return nil, nil
	case text == "-":
		source = "the standard input"
		read, err := io.ReadAll(a.in)
		if err != nil {
			return nil, fmt.Errorf("reading the standard input: %w", err)
		}
		raw = read
	case strings.HasPrefix(text, "@"):
		source = text[1:]
		read, err := os.ReadFile(source)
		if err != nil {
			return nil, &exitError{exitNotFound, fmt.Errorf("reading the input: %w", err)}
		}
		raw = read
	}
	if err := checkJSON(raw); err != nil {
		return nil, &exitError{exitInvalid, fmt.Errorf("%s is not valid JSON: %w%s", source, err, hintForInput(text))}
	}
	return bytes.TrimSpace(raw), nil
}

// checkJSON checks one JSON value and tells line and column of what is wrong.
func checkJSON(raw []byte) error {
	var value json.RawMessage
	err := json.Unmarshal(raw, &value)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case len(bytes.TrimSpace(raw)) == 0:
		return errors.New("it is empty")
	case errors.As(err, &syntax):
		before := raw[:max(0, min(int(syntax.Offset)-1, len(raw)))]
		line := 1 + bytes.Count(before, []byte("\n"))
		column := len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
		return fmt.Errorf("line %d, column %d: %w", line, column, err)
	default:
		return err
	}
}

// hintForInput helps someone who gave a file's name or an unquoted string.
func hintForInput(text string) string {
	if strings.HasPrefix(text, "@") || text == "-" {
		return ""
	}
	if info, err := os.Stat(text); err == nil && !info.IsDir() {
		return fmt.Sprintf("\nThere is a file of that name; to read it, write @%s", text)
	}
	if !strings.ContainsAny(text, `{["`) {
		return "\nA string needs its quotes: '\"" + text + "\"'"
	}
	return ""
}
