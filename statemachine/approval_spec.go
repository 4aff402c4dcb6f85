package statemachine

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// ApprovalResource is the Resource of a Task that people decide.
const ApprovalResource = "approval"

// The bounds of an approval.
const (
	MaxApprovers      = 1000 // of one approval
	MaxApproverBytes  = 254  // of the name of one, which is the most that an e-mail address has
	MaxCommentBytes   = 8192
	maxTitleBytes     = 500
	maxReminders      = 100
	maxReminderPeriod = 10 * 365 * 24 * time.Hour
)

// approvalSpec is what the arguments of an approval say.
type approvalSpec struct {
	title, description, requestedBy string
	data                            *value.Value
	approvers                       []string
	formSchema                      *value.Value
	form                            *schema.Schema // nil: none
	quorum, rejections              int
	before, after                   []time.Duration // of reminders: before the deadline, after the asking
	deadline                        time.Time
	reason                          bool // a rejection needs a comment
	rejectionFails                  bool
}

// approvalProblem is what is wrong with the arguments of an approval.
type approvalProblem struct {
	pointer string // below the arguments, RFC 6901
	message string
	hint    string
}

// approvalReader reads the members of an approval's arguments, one by one, and collects what is wrong with them.
type approvalReader struct {
	spec     approvalSpec
	problems []approvalProblem
	at       string // the pointer of the member being read
}

// approvalFields read the members, by name.
var approvalFields = map[string]func(*approvalReader, *value.Value){
	"Title":       func(r *approvalReader, v *value.Value) { r.title(v) },
	"Description": func(r *approvalReader, v *value.Value) { r.spec.description = r.text(v) },
	"RequestedBy": func(r *approvalReader, v *value.Value) { r.spec.requestedBy = r.text(v) },
	"Data":        func(r *approvalReader, v *value.Value) { r.spec.data = v },
	"Approvers":   func(r *approvalReader, v *value.Value) { r.approvers(v) },
	"Form":        func(r *approvalReader, v *value.Value) { r.form(v) },
	"Quorum":      func(r *approvalReader, v *value.Value) { r.spec.quorum = r.count(v) },
	"Rejections":  func(r *approvalReader, v *value.Value) { r.spec.rejections = r.count(v) },
	"Deadline":    func(r *approvalReader, v *value.Value) { r.deadline(v) },
	"RemindBeforeSeconds": func(r *approvalReader, v *value.Value) {
		r.spec.before = r.periods(v)
	},
	"RemindAfterSeconds": func(r *approvalReader, v *value.Value) { r.spec.after = r.periods(v) },
	"ReasonRequired":     func(r *approvalReader, v *value.Value) { r.spec.reason = r.flag(v) },
	"RejectionIsAnError": func(r *approvalReader, v *value.Value) { r.spec.rejectionFails = r.flag(v) },
}

// approvalFieldNames are the names of what the arguments may have, in the order of the documentation.
var approvalFieldNames = []string{
	"Title", "Description", "RequestedBy", "Data", "Approvers", "Form", "Quorum", "Rejections", "ReasonRequired",
	"RejectionIsAnError", "Deadline", "RemindAfterSeconds", "RemindBeforeSeconds",
}

// readApproval reads the arguments of an approval as they were evaluated.
func readApproval(v *value.Value, hasTimeout bool) (*approvalSpec, []approvalProblem) {
	r := &approvalReader{}
	if v.Kind() != value.Object {
		r.report("the arguments of an approval must be an object, but are "+article(v.Kind()), "such as {Title: ..., Approvers: [...]}")
		return nil, r.problems
	}
	for i, name := range v.Keys() {
		r.member(name, v.At(i))
	}
	r.complete(v.Get("Title") != nil, v.Get("Approvers") != nil, hasTimeout)
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return &r.spec, nil
}

// member reads one member. Null is as if it were not there.
func (r *approvalReader) member(name string, v *value.Value) {
	r.at = "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	read, ok := approvalFields[name]
	switch {
	case !ok:
		r.report("an approval has no argument "+strconv.Quote(name), unknownApprovalField(name))
	case v.Kind() != value.Null:
		read(r, v)
	}
}

func unknownApprovalField(name string) string {
	if near := diag.Closest(name, approvalFieldNames); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "the arguments are " + strings.Join(approvalFieldNames, ", ")
}

// complete checks what one member alone does not tell, and fills in what is left open.
func (r *approvalReader) complete(title, approvers, hasTimeout bool) {
	s := &r.spec
	r.at = ""
	if !title {
		r.report("an approval needs a Title", "say in a line what is to be decided")
	}
	if !approvers {
		r.report("an approval needs Approvers", "list who may decide, such as [ada@example.com]")
	}
	s.quorum, s.rejections = max(s.quorum, 1), max(s.rejections, 1)
	if n := len(s.approvers); n > 0 {
		r.at = "/Quorum"
		if s.quorum > n {
			r.report(fmt.Sprintf("%d must approve, but only %d are asked", s.quorum, n), "lower Quorum, or ask more")
		}
		r.at = "/Rejections"
		if s.rejections > n {
			r.report(fmt.Sprintf("%d would have to reject, but only %d are asked", s.rejections, n), "lower Rejections, or ask more")
		}
	}
	if len(s.before) > 0 && !hasTimeout && s.deadline.IsZero() {
		r.at = "/RemindBeforeSeconds"
		r.report("there is no deadline to remind before", "give the state TimeoutSeconds, or the arguments a Deadline; "+
			"or use RemindAfterSeconds, which count from the asking")
	}
}

func (r *approvalReader) report(message, hint string) {
	r.problems = append(r.problems, approvalProblem{r.at, message, hint})
}

// article names a kind of value.
func article(k value.Kind) string {
	switch k {
	case value.Null:
		return "null"
	case value.Array, value.Object:
		return "an " + k.String()
	default:
		return "a " + k.String()
	}
}

func (r *approvalReader) name() string { return strings.TrimPrefix(r.at, "/") }

func (r *approvalReader) text(v *value.Value) string {
	if v.Kind() != value.String {
		r.report(r.name()+" must be a text, but is "+article(v.Kind()), "")
		return ""
	}
	return v.Text()
}

func (r *approvalReader) title(v *value.Value) {
	r.spec.title = r.text(v)
	switch {
	case v.Kind() == value.String && strings.TrimSpace(r.spec.title) == "":
		r.report("Title is empty", "say in a line what is to be decided")
	case len(r.spec.title) > maxTitleBytes:
		r.report(fmt.Sprintf("Title has %d bytes; at most %d are allowed", len(r.spec.title), maxTitleBytes), "move the rest into Description")
	}
}

func (r *approvalReader) flag(v *value.Value) bool {
	if v.Kind() != value.Bool {
		r.report(r.name()+" must be true or false, but is "+article(v.Kind()), "")
		return false
	}
	return v.Bool()
}

func (r *approvalReader) count(v *value.Value) int {
	n, ok := v.Float()
	if v.Kind() != value.Number || !ok || n != math.Trunc(n) || n < 1 || n > MaxApprovers {
		r.report(fmt.Sprintf("%s must be a whole number from 1 to %d, but is %s", r.name(), MaxApprovers, excerpt(v)), "")
		return 0
	}
	return int(n)
}

func (r *approvalReader) approvers(v *value.Value) {
	elems := []*value.Value{v}
	if v.Kind() == value.Array {
		elems = v.Elems()
	}
	if len(elems) == 0 || len(elems) > MaxApprovers {
		r.report(fmt.Sprintf("Approvers has %d entries; give 1 to %d", len(elems), MaxApprovers), "list who may decide, such as [ada@example.com]")
		return
	}
	at := r.at
	for i, e := range elems {
		if v.Kind() == value.Array {
			r.at = at + "/" + strconv.Itoa(i)
		}
		name := ApproverName(e.Text())
		switch why := badApprover(name); {
		case e.Kind() != value.String:
			r.report("an approver must be a text, but is "+article(e.Kind()), "give an e-mail address, or another name that is theirs alone")
		case why != "":
			r.report("an approver "+why, "give an e-mail address, or another name that is theirs alone")
		case slices.Contains(r.spec.approvers, name):
			r.report("the approver "+strconv.Quote(e.Text())+" is there twice", "")
		default:
			r.spec.approvers = append(r.spec.approvers, name)
		}
	}
}

// ApproverName gives the name of an approver as it is compared and kept: an e-mail address in lower case, since people write
// their own now so and now so, and any other name as it is.
func ApproverName(name string) string {
	if at := strings.LastIndexByte(name, '@'); at > 0 && at < len(name)-1 && !strings.ContainsAny(name, " \t\r\n") {
		return strings.ToLower(name)
	}
	return name
}

// badApprover tells what is wrong with the name of an approver, "" if nothing is.
func badApprover(name string) string {
	switch {
	case name == "":
		return "is an empty text"
	case len(name) > MaxApproverBytes:
		return fmt.Sprintf("has %d bytes; at most %d are allowed", len(name), MaxApproverBytes)
	case strings.TrimSpace(name) != name:
		return "has white space around it: " + strconv.Quote(name)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f || c == utf8.RuneError }):
		return "has characters that names do not have: " + strconv.Quote(name)
	}
	return ""
}

func (r *approvalReader) form(v *value.Value) {
	if typ := v.Get("type"); v.Kind() != value.Object || typ == nil || typ.Kind() != value.String || typ.Text() != "object" {
		r.report("Form must be a JSON Schema of an object", `begin it with "type": "object" and "properties"`)
		return
	}
	s, err := schema.Parse(v.JSON())
	if problems, ok := err.(schema.Problems); ok { //nolint:errorlint // never wrapped
		at := r.at
		for _, p := range problems {
			r.at = at + p.Pointer
			r.report("in Form: "+p.Message, p.Hint)
		}
		r.at = at
		return
	}
	if err != nil {
		r.report("in Form: "+err.Error(), "")
		return
	}
	r.spec.form, r.spec.formSchema = s, v
}

func (r *approvalReader) deadline(v *value.Value) {
	at, err := time.Parse(time.RFC3339, v.Text())
	if v.Kind() != value.String || err != nil {
		r.report("Deadline must be a time, but is "+excerpt(v), "times are as 2030-01-31T12:00:00Z")
		return
	}
	r.spec.deadline = at.UTC().Truncate(time.Millisecond)
}

// periods reads a number of seconds, or several.
func (r *approvalReader) periods(v *value.Value) []time.Duration {
	elems := []*value.Value{v}
	if v.Kind() == value.Array {
		elems = v.Elems()
	}
	if len(elems) > maxReminders {
		r.report(fmt.Sprintf("%s has %d entries; at most %d are allowed", r.name(), len(elems), maxReminders), "")
		return nil
	}
	var list []time.Duration
	for _, e := range elems {
		seconds, ok := e.Float()
		if e.Kind() != value.Number || !ok || seconds <= 0 || seconds > maxReminderPeriod.Seconds() {
			r.report(r.name()+" must be seconds, more than 0 and at most ten years, but has "+excerpt(e), "")
			continue
		}
		list = append(list, time.Duration(seconds*1000)*time.Millisecond)
	}
	return list
}

// reminders gives the times of the reminders, earliest first, each once. Those that would not lie between the asking and
// the deadline are left out.
func (s *approvalSpec) reminders(asked, deadline time.Time) []time.Time {
	var times []time.Time
	add := func(at time.Time) {
		if at.After(asked) && (deadline.IsZero() || at.Before(deadline)) {
			times = append(times, at)
		}
	}
	for _, d := range s.after {
		add(asked.Add(d))
	}
	for _, d := range s.before {
		if !deadline.IsZero() {
			add(deadline.Add(-d))
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return slices.CompactFunc(times, time.Time.Equal)
}
