package asl

import (
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// Wait waits for a number of seconds or until a time. Exactly one of the four is set.
type Wait struct {
	Common
	Seconds, Timestamp         *source.Node
	SecondsPath, TimestampPath *source.Node // JSONPath
}

func decodeWait(o object, c Common) State {
	w := &Wait{Common: c}
	w.Seconds = o.integer("Seconds", 0, maxSeconds)
	w.Timestamp = o.timestamp("Timestamp")
	choices := []string{"Seconds", "Timestamp"}
	if !o.evaluated() {
		w.SecondsPath, w.TimestampPath = o.path("SecondsPath"), o.path("TimestampPath")
		choices = append(choices, "SecondsPath", "TimestampPath")
	}
	if w.Seconds == nil && w.Timestamp == nil && w.SecondsPath == nil && w.TimestampPath == nil {
		o.p.errorAt(o.node, CodeMissingField, "", "%s needs %s", o.what, alternatives(choices))
	}
	o.exclusive(choices...)
	return w
}

// timestamp gives a field that holds a time, or an expression where the language has them.
func (o object) timestamp(name string) *source.Node {
	n := o.get(name)
	if n == nil || !o.p.is(n, o.of(name), source.String) {
		return n
	}
	if o.evaluated() && (strings.Contains(n.Text, "{%") || strings.Contains(n.Text, "%}")) {
		o.p.expression(n, o.language)
		return n
	}
	if _, err := time.Parse(time.RFC3339Nano, n.Text); err != nil || strings.Contains(n.Text, ",") {
		hint := `write date, T, time and Z or an offset, for example "2030-01-31T12:00:00Z"`
		if strings.HasPrefix(n.Text, "$") {
			hint = "a path belongs in " + name + "Path"
		}
		o.p.errorAt(n, CodeInvalidValue, hint, "%s is no time: %q", o.of(name), n.Text)
	}
	return n
}
