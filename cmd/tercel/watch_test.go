package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/internal/golden"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// TestWatchPrints shows histories that real servers gave (testdata/*.jsonl, as tercel history --json prints them) as
// watch and history print them.
func TestWatchPrints(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no histories: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		t.Run(name, func(t *testing.T) {
			events := readEvents(t, file)
			var out bytes.Buffer
			a := &app{environment: environment{out: &out}}
			w := newWatcher(a)
			for _, e := range events {
				w.show(e)
			}
			golden.Compare(t, "testdata/"+name+"-watch.txt", out.String())
			if len(w.maps) > 0 {
				t.Errorf("Maps that have ended are kept: %v", w.maps)
			}

			out.Reset()
			table := newTable(&out, "ID", "SINCE", "TYPE", "STATE", "DETAIL")
			for _, e := range events[:min(len(events), 60)] {
				a.eventRow(table, events[0].Timestamp, e, false)
			}
			table.flush()
			golden.Compare(t, "testdata/"+name+"-history.txt", out.String())
		})
	}
}

func readEvents(t *testing.T, file string) []wire.Event {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var events []wire.Event
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var e wire.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0ms", 0: "0ms", 1500 * time.Microsecond: "1ms", 999 * time.Millisecond: "999ms", 1234 * time.Millisecond: "1.23s",
		12345 * time.Millisecond: "12.3s", 61 * time.Second: "1m01s", 3700 * time.Second: "1h01m", 50 * time.Hour: "2d02h",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestWhen(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                     {},
		"90m":                  now.Add(-90 * time.Minute),
		"7d":                   now.Add(-7 * 24 * time.Hour),
		"0.5d":                 now.Add(-12 * time.Hour),
		"2026-02-01T00:00:00Z": time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
		"2026-02-01":           time.Date(2026, 2, 1, 0, 0, 0, 0, time.Local),
	} {
		got, err := when("--since", text, now)
		if err != nil || !got.Equal(want) {
			t.Errorf("when(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-5m", "5", "2026-13-01", "NaNd"} {
		if got, err := when("--since", text, now); err == nil {
			t.Errorf("when(%q) = %v", text, got)
		}
	}
}

func TestPretty(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", lineWidth) + `"}`
	for text, want := range map[string]string{
		`{ "a" : [1e400, "<é\u0000>"] }`: `{"a":[1e400,"<é\u0000>"]}`,
		long:                             "{\n  \"a\": \"" + strings.Repeat("x", lineWidth) + "\"\n}",
		`no JSON`:                        `no JSON`,
	} {
		if got := pretty(json.RawMessage(text), ""); got != want {
			t.Errorf("pretty(%s) = %s", text, got)
		}
	}
}
