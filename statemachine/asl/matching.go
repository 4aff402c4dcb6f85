package asl

import (
	"fmt"
	"math"
	"slices"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// What the names of retriers and catchers stand for.
const (
	allErrors        = "States.ALL"
	runtimeError     = "States.Runtime"
	taskFailed       = "States.TaskFailed"
	timeout          = "States.Timeout"
	heartbeatTimeout = "States.HeartbeatTimeout"
	noChoiceMatched  = "States.NoChoiceMatched"
	approvalDeadline = "Approval.DeadlinePassed"
)

// advise warns of what is allowed and cannot be meant: it looks at a whole definition without errors.
func (p *parser) advise(d *Definition) {
	p.adviseOnErrors(&d.Flow, d.TimeoutSeconds)
	p.unreadVariables(d)
	p.unreadOutputs(&d.Flow)
}

// adviseOnErrors warns of retriers and catchers that never match, and of retries that come too late.
func (p *parser) adviseOnErrors(f *Flow, timeout *source.Node) {
	for _, s := range f.States {
		retry, catch := guards(s)
		names := make([][]string, len(retry))
		nodes := make([]*source.Node, len(retry))
		for i, r := range retry {
			names[i], nodes[i] = r.ErrorEquals, r.Node
			p.outlives(&retry[i], timeout)
		}
		p.unmatched(s, "retrier", names, nodes)
		names, nodes = make([][]string, len(catch)), make([]*source.Node, len(catch))
		for i, c := range catch {
			names[i], nodes[i] = c.ErrorEquals, c.Node
		}
		p.unmatched(s, "catcher", names, nodes)
		for _, inner := range flowsOf(s) {
			p.adviseOnErrors(inner, timeout)
		}
	}
}

// guards gives the retriers and catchers of a state.
func guards(s State) ([]Retrier, []Catcher) {
	switch s := s.(type) {
	case *Task:
		return s.Retry, s.Catch
	case *Parallel:
		return s.Retry, s.Catch
	case *Map:
		return s.Retry, s.Catch
	}
	return nil, nil
}

// unmatched warns of the names in the entries of Retry or Catch that match no error.
func (p *parser) unmatched(s State, entry string, names [][]string, nodes []*source.Node) {
	before := map[string]int{} // the entry that has a name, from 0
	for i, list := range names {
		elems := nodes[i].Get("ErrorEquals").Elems
		for j, name := range list {
			if why, hint := neverMatches(s, name, entry, i, before); why != "" {
				p.warnAt(elems[j].Pos, elems[j].Pointer, CodeNeverMatches, hint, "%q matches nothing here: %s", name, why)
				continue
			}
			before[name] = i
		}
	}
}

// neverMatches says why a name in the entry numbered i matches no error, "" if it may.
func neverMatches(s State, name, entry string, i int, before map[string]int) (why, hint string) {
	const remove = "remove it"
	if first, ok := before[name]; ok {
		if first == i {
			return "it stands in the list twice", remove
		}
		return fmt.Sprintf("%s %d takes the error before", entry, first+1), "remove one of the two"
	}
	if name == runtimeError {
		return "nothing retries or catches States.Runtime", "prevent the error; a JSONPath rule tests for a missing value with IsPresent"
	}
	// A missed heartbeat and the deadline of an approval are timeouts under a second name, which States.TaskFailed does
	// not stand for.
	if first, ok := before[taskFailed]; ok && !slices.Contains([]string{allErrors, timeout, heartbeatTimeout, approvalDeadline}, name) {
		return fmt.Sprintf("States.TaskFailed in %s %d takes every error but timeouts", entry, first+1),
			fmt.Sprintf("move it before %s %d", entry, first+1)
	}
	if first, ok := before[timeout]; ok && name == heartbeatTimeout {
		return fmt.Sprintf("States.Timeout in %s %d takes missed heartbeats as well", entry, first+1),
			"name States.HeartbeatTimeout before States.Timeout"
	}
	if first, ok := before[timeout]; ok && name == approvalDeadline {
		return fmt.Sprintf("States.Timeout in %s %d takes the deadlines of approvals as well", entry, first+1),
			"name Approval.DeadlinePassed before States.Timeout"
	}
	return neverRaised(s, name)
}

// neverRaised says why a state cannot fail with an error of the language, "" if it may. What functions give as
// the name of an error is theirs; that they give a reserved one is not expected.
func neverRaised(s State, name string) (why, hint string) {
	const remove = "remove it"
	switch s := s.(type) {
	case *Task:
		switch name {
		case noChoiceMatched:
			return "only a Choice fails with this error", remove
		case "States.BranchFailed":
			return "only a Parallel fails with this error", remove
		case "States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed", "States.ResultWriterFailed":
			return "only a Map fails with this error", remove
		case heartbeatTimeout:
			if s.HeartbeatSeconds == nil && s.HeartbeatSecondsPath == nil {
				return "the state has no HeartbeatSeconds", "add HeartbeatSeconds, or remove the name"
			}
		}
	case *Map:
		switch name {
		case "States.ItemReaderFailed":
			if s.ItemReader == nil && !raisesOwn(flowsOf(s)) {
				return "the state has no ItemReader", remove
			}
		case "States.ResultWriterFailed":
			if s.ResultWriter == nil && !raisesOwn(flowsOf(s)) {
				return "the state has no ResultWriter", remove
			}
		}
	}
	if name == noChoiceMatched && !raisesOwn(flowsOf(s)) {
		return "no Choice inside the state lacks its Default", remove
	}
	return "", ""
}

// raisesOwn tells whether flows hold what may raise errors of the Choice or of another Map, under any name.
func raisesOwn(flows []*Flow) bool {
	return slices.ContainsFunc(flows, func(f *Flow) bool {
		return slices.ContainsFunc(f.States, func(s State) bool {
			switch s := s.(type) {
			case *Fail, *Map, *Parallel:
				return true
			case *Choice:
				return s.Default == ""
			}
			return false
		})
	})
}

// outlives warns of a retrier whose retries do not fit into the time that the machine has.
func (p *parser) outlives(r *Retrier, timeout *source.Node) {
	most, ok := literal(timeout)
	if !ok {
		return
	}
	n := retriesUntil(r, most)
	if n > r.MaxAttempts {
		return
	}
	at := r.Node
	if own := r.Node.Get("MaxAttempts"); own != nil {
		at = own
	}
	p.warnAt(at.Pos, at.Pointer, CodeRetryOutlives,
		"lower MaxAttempts, IntervalSeconds, BackoffRate or MaxDelaySeconds, or raise TimeoutSeconds of the machine",
		"the machine times out after %s s, before retry %d of %d: so long are the delays up to there", timeout.Text, n, r.MaxAttempts)
}

// maxCounted is how many delays are added up one by one. Further ones are not shorter than the last of these.
const maxCounted = 10_000

// retriesUntil gives the number of the first retry that begins no earlier than a time in seconds after the first
// failure, if attempts take no time; more than MaxAttempts if there is none.
func retriesUntil(r *Retrier, most float64) int {
	sum, delay := 0.0, float64(r.IntervalSeconds)
	for n := 1; n <= min(r.MaxAttempts, maxCounted); n++ {
		if sum += delay; sum >= most {
			return n
		}
		if delay *= r.BackoffRate; r.MaxDelaySeconds > 0 {
			delay = min(delay, float64(r.MaxDelaySeconds))
		}
	}
	if r.MaxAttempts <= maxCounted {
		return r.MaxAttempts + 1
	}
	return maxCounted + int(math.Ceil((most-sum)/delay))
}
