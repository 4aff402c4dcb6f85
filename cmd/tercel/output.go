package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printJSON prints a value as one line of JSON, payloads as they are.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	return nil
}

// table prints rows in columns. Colours must not be part of cells but of the last column, since they have a width.
type table struct{ w *tabwriter.Writer }

func newTable(out io.Writer, header ...string) *table {
	t := &table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	if len(header) > 0 {
		t.row(header...)
	}
	return t
}

func (t *table) row(cells ...string) { _, _ = fmt.Fprintln(t.w, strings.Join(cells, "\t")) }
func (t *table) flush()              { _ = t.w.Flush() }

// The colours of a terminal.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	dim    = "2"
	bold   = "1"
)

// paint gives a text a colour, if the output is a terminal.
func (a *app) paint(color, text string) string {
	if !a.color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// statusColor gives the colour of a status.
func statusColor(status string) string {
	switch status {
	case "SUCCEEDED":
		return green
	case "FAILED", "TIMED_OUT", "ABORTED":
		return red
	default:
		return yellow
	}
}

// lineWidth is what JSON may take to be printed in one line.
const lineWidth = 100

// pretty prints JSON without changing its values: in one line if it is short, else indented.
func pretty(raw json.RawMessage, indent string) string {
	var buf bytes.Buffer
	if json.Compact(&buf, raw) == nil && buf.Len() <= lineWidth {
		return buf.String()
	}
	buf.Reset()
	if json.Indent(&buf, raw, indent, "  ") != nil {
		return string(raw)
	}
	return buf.String()
}

// shorten cuts a text for one line of a table. It counts characters, and takes line breaks out.
func shorten(text string, limit int) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit-1]) + "…"
}

// moment prints a time in the zone of the terminal.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// span prints a duration with three digits at most, as people read it.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0ms"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}
