package cases

import (
	"github.com/tercel-workflows/tercel/statemachine/rehearsal"
	"github.com/tercel-workflows/tercel/statemachine/source"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// decisions reads what people decide of an approval.
func (r *reader) decisions(n *source.Node) []rehearsal.Decision {
	if !r.is(n, "decisions", source.Array) {
		return nil
	}
	var list []rehearsal.Decision
	for _, e := range n.Elems {
		if !r.is(e, "a decision", source.Object) {
			continue
		}
		var d rehearsal.Decision
		decision := ""
		r.fields(e, "a decision", []fieldReader{
			{"by", r.text(&d.By, "by")},
			{"decision", r.text(&decision, "decision")},
			{"delegate", r.text(&d.Delegate, "delegate")},
			{"comment", r.text(&d.Comment, "comment")},
			{"after", r.duration(&d.After, "after")},
			{"form", func(n *source.Node) { d.Form = value.Trusted(n.AppendJSON(nil)) }},
		})
		d.Approved = decision == "approve"
		switch {
		case d.By == "" && e.Get("by") == nil:
			r.errorAt(e, CodeMissing, "name one of the approvers: by: ada@example.com", "a decision does not say who decides")
		case d.Delegate != "" && decision != "":
			r.errorAt(e, CodeValue, "keep one of them", "a decision has both decision and delegate")
		case d.Delegate == "" && decision != "approve" && decision != "reject":
			r.errorAt(e, CodeValue, "write decision: approve, decision: reject, or delegate: NAME", "a decision is neither approve nor reject")
		}
		list = append(list, d)
	}
	return list
}
