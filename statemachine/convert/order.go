package convert

import (
	"slices"

	"github.com/tercel-workflows/tercel/statemachine/source"
)

// kind is what an object of a definition is.
type kind uint8

const (
	data kind = iota // its members stay in their order
	flow             // the machine, a branch or a processor
	states
	state
	entry // of Retry, Catch or Choices
	entries
	flows
)

// customary holds the fields of flows, states and entries in the order of the specification. Fields that are not here
// come between those of the first and those of the last group, in the order that they are written in.
var customary = map[kind]struct{ first, last []string }{
	flow: {
		first: []string{"Comment", "Version", "QueryLanguage", "TimeoutSeconds", "InputSchema", "ProcessorConfig", "StartAt"},
		last:  []string{"States"},
	},
	state: {
		first: []string{
			"Type", "Comment", "QueryLanguage", "Resource", "Credentials", "InputPath", "ItemReader", "Items", "ItemsPath",
			"Parameters", "ItemSelector", "ItemBatcher", "Arguments", "Label", "MaxConcurrency", "MaxConcurrencyPath",
			"ToleratedFailureCount", "ToleratedFailureCountPath", "ToleratedFailurePercentage", "ToleratedFailurePercentagePath",
			"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath",
			"Seconds", "SecondsPath", "Timestamp", "TimestampPath", "Error", "ErrorPath", "Cause", "CausePath",
			"Branches", "Iterator", "ItemProcessor", "Choices", "Default", "Result",
		},
		last: []string{
			"ResultSelector", "ResultPath", "OutputPath", "ResultWriter", "Assign", "Output", "Retry", "Catch", "Next", "End",
		},
	},
	entry: {
		first: []string{"Comment", "ErrorEquals", "Condition"},
		last:  []string{"Assign", "ResultPath", "Output", "Next"},
	},
}

// inside gives the kind of a member's value, or of an array's elements.
func inside(k kind, member string) kind {
	switch {
	case k == flow && member == "States":
		return states
	case k == states:
		return state
	case k == state && (member == "ItemProcessor" || member == "Iterator"):
		return flow
	case k == state && member == "Branches":
		return flows
	case k == state && (member == "Retry" || member == "Catch" || member == "Choices"):
		return entries
	}
	return data
}

func element(k kind) kind {
	switch k {
	case flows:
		return flow
	case entries:
		return entry
	default:
		return data
	}
}

// rank gives the place of a member among those of its object.
func rank(k kind, name string) int {
	c := customary[k]
	if i := slices.Index(c.first, name); i >= 0 {
		return i
	}
	if i := slices.Index(c.last, name); i >= 0 {
		return len(c.first) + 1 + i
	}
	return len(c.first)
}

// inOrder gives the definition with its fields in the customary order.
func inOrder(root *source.Node) *source.Node { return ordered(root, flow) }

func ordered(n *source.Node, k kind) *source.Node {
	if k == data {
		return n
	}
	c := *n
	c.Elems = slices.Clone(n.Elems)
	for i, e := range n.Elems {
		c.Elems[i] = ordered(e, element(k))
	}
	c.Members = make([]*source.Member, len(n.Members))
	for i, m := range n.Members {
		c.Members[i] = &source.Member{Name: m.Name, NamePos: m.NamePos, Value: ordered(m.Value, inside(k, m.Name))}
	}
	slices.SortStableFunc(c.Members, func(a, b *source.Member) int { return rank(k, a.Name) - rank(k, b.Name) })
	return &c
}
