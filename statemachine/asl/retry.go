package asl

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// Retrier is one entry of Retry, its defaults filled in.
type Retrier struct {
	Node            *source.Node
	ErrorEquals     []string
	IntervalSeconds int     // default 1
	MaxAttempts     int     // default 3; 0 is never
	BackoffRate     float64 // default 2.0
	MaxDelaySeconds int     // 0 if absent
	FullJitter      bool    // JitterStrategy FULL
}

// Catcher is one entry of Catch.
type Catcher struct {
	Node        *source.Node
	ErrorEquals []string
	Next        string
	Assign      *source.Node
	Output      *source.Node
	ResultPath  *source.Node // JSONPath
}

// errorNames holds the error names that the language reserves.
var errorNames = []string{
	"States.ALL", "States.BranchFailed", "States.DataLimitExceeded", "States.ExceedToleratedFailureThreshold",
	"States.HeartbeatTimeout", "States.Http.Socket", "States.IntrinsicFailure", "States.ItemReaderFailed",
	"States.NoChoiceMatched", "States.ParameterPathFailure", "States.Permissions", "States.QueryEvaluationError",
	"States.ResultPathMatchFailure", "States.ResultWriterFailed", "States.Runtime", "States.TaskFailed", "States.Timeout",
}

const reservedPrefix = "States."

// httpStatus is the error name of an HTTP task that was answered with a status.
var httpStatus = regexp.MustCompile(`^States\.Http\.StatusCode\.[0-9]{3}$`)

// entries begins decoding the entries of Retry or Catch.
func (o object) entries(field, entry string) []object {
	n := o.get(field)
	if n == nil || !o.p.is(n, o.of(field), source.Array) {
		return nil
	}
	var objects []object
	for i, e := range n.Elems {
		if each, ok := o.p.object(e, fmt.Sprintf("%s %d of %s", entry, i+1, o.what), o.language); ok {
			objects = append(objects, each)
		}
	}
	return objects
}

func (o object) retriers() []Retrier {
	var retriers []Retrier
	entries := o.entries("Retry", "retrier")
	for i, e := range entries {
		e.known("ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment")
		e.text("Comment")
		retriers = append(retriers, e.retrier(i == len(entries)-1))
	}
	return retriers
}

func (o object) retrier(last bool) Retrier {
	r := Retrier{Node: o.node, ErrorEquals: o.errorEquals(last), IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 2}
	o.language = JSONPath // a retrier has literals only
	if v, ok := literal(o.integer("IntervalSeconds", 1, maxSeconds)); ok {
		r.IntervalSeconds = int(min(max(v, 1), maxSeconds))
	}
	if v, ok := literal(o.integer("MaxAttempts", 0, maxAttempts)); ok {
		r.MaxAttempts = int(min(max(v, 0), maxAttempts))
	}
	if v, ok := literal(o.number("BackoffRate", 1, maxSeconds)); ok {
		r.BackoffRate = min(max(v, 1), maxSeconds)
	}
	delay := o.integer("MaxDelaySeconds", 1, maxDelaySeconds)
	if v, ok := literal(delay); ok {
		r.MaxDelaySeconds = int(min(max(v, 1), maxDelaySeconds))
		if v >= 1 && r.MaxDelaySeconds <= r.IntervalSeconds {
			o.p.errorAt(delay, CodeOutOfRange, "it bounds the intervals as they grow from the first",
				"MaxDelaySeconds (%s) must be greater than IntervalSeconds (%d)", delay.Text, r.IntervalSeconds)
		}
	}
	r.FullJitter = o.oneOf("JitterStrategy", "FULL", "NONE") == "FULL"
	return r
}

// catchers decodes Catch. Its transitions become the state's.
func (o object) catchers(c *Common) []Catcher {
	var catchers []Catcher
	entries := o.entries("Catch", "catcher")
	for i, e := range entries {
		e.catcherFields()
		e.text("Comment")
		k := Catcher{Node: e.node, ErrorEquals: e.errorEquals(i == len(entries)-1), Assign: e.assign()}
		if e.must("Next", "name the state to go to when the error is caught") != nil {
			k.Next = e.exit(c, "Next")
		}
		if e.evaluated() {
			k.Output = e.template("Output")
		} else {
			k.ResultPath = e.referencePath("ResultPath")
		}
		catchers = append(catchers, k)
	}
	return catchers
}

func (o object) catcherFields() {
	for _, m := range o.node.Members {
		switch {
		case m.Name == "Output" && !o.evaluated():
			o.otherLanguage(m, expressions, "ResultPath")
		case m.Name == "ResultPath" && o.evaluated():
			o.otherLanguage(m, jsonPathOnly, "Output")
		default:
			o.knownMember(m, []string{"ErrorEquals", "Next", "Assign", "Output", "ResultPath", "Comment"})
		}
	}
}

// errorEquals decodes the error names of a retrier or catcher.
func (o object) errorEquals(last bool) []string {
	n := o.must("ErrorEquals", `name the errors it is for, for example ["States.TaskFailed"], or ["States.ALL"] for all`)
	if n == nil || !o.p.is(n, o.of("ErrorEquals"), source.Array) {
		return nil
	}
	if len(n.Elems) == 0 {
		o.p.errorAt(n, CodeMissingField, `use ["States.ALL"] for all errors`, "%s is empty", o.of("ErrorEquals"))
	}
	var names []string
	for _, e := range n.Elems {
		if !o.p.is(e, "an error name", source.String) {
			continue
		}
		names = append(names, e.Text)
		o.errorName(e)
	}
	if i := slices.Index(names, "States.ALL"); i >= 0 {
		switch {
		case len(n.Elems) > 1:
			o.p.errorAt(n.Elems[0], CodeStatesAll, "remove the other names, or States.ALL",
				"States.ALL must stand alone in %s", o.of("ErrorEquals"))
		case !last:
			o.p.errorAt(n.Elems[0], CodeStatesAll, "move it to the end: what stands behind it is never reached",
				"States.ALL must stand in the last entry, not in %s", o.what)
		}
	}
	return names
}

// errorName warns of names with the reserved prefix that the language does not know. The service lets them pass, and
// the definitions of its own samples use them, though nothing but a Fail state can raise them.
func (o object) errorName(n *source.Node) {
	name := n.Text
	if !strings.HasPrefix(name, reservedPrefix) || slices.Contains(errorNames, name) || httpStatus.MatchString(name) {
		return
	}
	bare := make([]string, len(errorNames))
	for i, each := range errorNames {
		bare[i] = strings.TrimPrefix(each, reservedPrefix)
	}
	hint := "names that begin with States. are reserved; choose another name for an error of your own"
	if near := diag.Closest(strings.TrimPrefix(name, reservedPrefix), bare); near != "" {
		hint = fmt.Sprintf("did you mean %q?", reservedPrefix+near)
	}
	o.p.warnAt(n.Pos, n.Pointer, CodeErrorName, hint, "%q is no error name of the language", name)
}
