package teststate

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// inspect tells what the fields of the state gave. Which of them it tells of for which type of state is the service's; a field
// that the state does not have hands on what came before it.
func (r *trialRun) inspect(status Status) *Inspection {
	in := &Inspection{Input: textOf(r.input), ErrorDetails: r.errorDetails(), Variables: r.variables()}
	if r.exchange != nil && r.Level == Trace {
		in.Request, in.Response = r.exchange.Request, r.exchange.Response
	}
	switch r.state.(type) {
	case *asl.Map:
		r.inspectMap(in)
	case *asl.Task:
		if in.Result = textOf(r.result); r.scheduled && !r.jsonPath() {
			in.AfterArguments = textOf(or(r.arguments, r.input))
		}
	case *asl.Parallel:
		if !r.jsonPath() {
			in.AfterArguments = textOf(r.arguments)
		}
	}
	if r.jsonPath() {
		r.inspectPaths(in, status)
	}
	return in
}

// or gives the first of two values that is there.
func or(v, otherwise *value.Value) *value.Value {
	if v != nil {
		return v
	}
	return otherwise
}

// inspectPaths tells of the way of the data through a state in JSONPath.
func (r *trialRun) inspectPaths(in *Inspection, status Status) {
	effective, result := r.effective(), r.result
	worked := r.result != nil
	switch state := r.state.(type) {
	case *asl.Pass:
		worked = status == Succeeded
		if state.Result != nil {
			result = value.Trusted(state.Result.AppendJSON(nil))
			in.Result = textOf(result)
			break
		}
		result = r.stages["Parameters"]
		if r.base.Parameters == nil {
			result = effective
		}
		in.AfterInputPath, in.AfterParameters = textOf(effective), textOf(result)
	case *asl.Task:
		in.AfterInputPath = textOf(effective)
		if r.scheduled {
			in.AfterParameters = textOf(or(r.arguments, effective))
		}
	case *asl.Parallel:
	default:
		in.AfterInputPath = textOf(effective)
	}
	if !worked {
		return
	}
	selected := r.stages["ResultSelector"]
	if r.base.ResultSelector == nil {
		selected = result
	}
	in.AfterResultSelector = textOf(selected)
	combined := r.stages["ResultPath"]
	if combined == nil && whole(r.base.ResultPath) {
		combined = selected
	}
	in.AfterResultPath = textOf(combined)
}

// whole tells whether a path leaves all as it is: it is not there, or $.
func whole(n *source.Node) bool {
	return n == nil || n.Kind == source.String && strings.TrimSpace(n.Text) == "$"
}

// effective gives the state's input as InputPath leaves it, nil if that failed.
func (r *trialRun) effective() *value.Value {
	switch path := r.base.InputPath; {
	case whole(path):
		return r.input
	case path.Kind == source.Null:
		return value.Trusted([]byte("{}"))
	}
	return r.stages["InputPath"]
}

// inspectMap tells of the items of a Map, and of its limits.
func (r *trialRun) inspectMap(in *Inspection) {
	if r.jsonPath() {
		in.AfterItemsPath = textOf(r.stages["ItemsPath"])
		if m, ok := r.state.(*asl.Map); ok && m.ItemsPath == nil && m.ItemReader == nil {
			in.AfterItemsPath = textOf(r.effective())
		}
	}
	if r.started == nil {
		return
	}
	m, ok := r.state.(*asl.Map)
	if ok && m.ItemBatcher != nil {
		in.AfterItemBatcher = textOf(r.started.Items)
		in.AfterItemSelector = textOf(r.stages["ItemSelector"])
	}
	if n := len(r.selected); n > 0 && n == r.items {
		in.AfterItemSelector = textOf(value.FromArray(r.selected))
	}
	in.MaxConcurrency = &r.started.MaxConcurrency
	if r.started.ToleratedCount >= 0 {
		in.ToleratedFailureCount = &r.started.ToleratedCount
	}
	if r.started.ToleratedPercentage >= 0 {
		in.ToleratedFailurePercentage = &r.started.ToleratedPercentage
	}
}

// errorDetails tells who takes the error of the state, nil if it has none or nobody does.
func (r *trialRun) errorDetails() *ErrorDetails {
	switch {
	case r.retry != nil:
		seconds := int(math.Ceil(r.retry.Until.Sub(r.retryFrom).Round(time.Millisecond).Seconds()))
		return &ErrorDetails{RetryIndex: &r.retry.Retrier, RetryBackoffIntervalSeconds: &seconds}
	case r.left != nil && r.left.Caught > 0:
		index := r.left.Caught - 1
		return &ErrorDetails{CatchIndex: &index}
	}
	return nil
}

// variables gives the workflow variables as they are after the state, nil if there are none.
func (r *trialRun) variables() *string {
	set := r.run.Variables()
	if len(set) == 0 {
		return nil
	}
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	var o value.Members
	for _, name := range names {
		o.Set(name, set[name])
	}
	return textOf(o.Object())
}
