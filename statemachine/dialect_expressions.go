package statemachine

import (
	"slices"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
)

// expressionDialect is that of JSONata and CEL.
type expressionDialect struct {
	*stateCompiler
	language query.Language
}

func (d *expressionDialect) template(n *source.Node, location string, env query.Env) template {
	env = d.typed(env)
	env.Variables = d.base.Visible
	if len(d.options.Variables) > 0 {
		env.Variables = append(slices.Clone(d.options.Variables), d.base.Visible...)
	}
	return d.compiler.template(n, field{location: location, language: d.language, env: env})
}

func (d *expressionDialect) arguments() template {
	return d.template(d.base.Arguments, "Arguments", query.Env{})
}

func (d *expressionDialect) outcome(worked bool) outcome {
	return d.way("", d.base.Output, d.base.Assign, query.Env{Result: worked})
}

func (d *expressionDialect) caught(location string, c *asl.Catcher) outcome {
	return d.way(location, c.Output, c.Assign, query.Env{ErrorOutput: true})
}

func (d *expressionDialect) rule(location string, r *asl.Rule) (template, outcome) {
	condition := d.template(r.Condition, location+"Condition", query.Env{Boolean: true})
	return condition, d.way(location, r.Output, r.Assign, query.Env{})
}

func (d *expressionDialect) way(prefix string, output, assign *source.Node, env query.Env) outcome {
	o := outcome{output: d.template(output, prefix+"Output", env)}
	if assign == nil {
		return o
	}
	for _, m := range assign.Members {
		o.assign = append(o.assign, assignment{m.Name, d.template(m.Value, prefix+"Assign/"+m.Name, env)})
	}
	return o
}

func (d *expressionDialect) number(name string, literal, _ *source.Node) template {
	return d.template(literal, name, query.Env{})
}

func (d *expressionDialect) text(name string, literal, _ *source.Node) template {
	return d.template(literal, name, query.Env{})
}

func (d *expressionDialect) timestamp(w *asl.Wait) template {
	return d.template(w.Timestamp, "Timestamp", query.Env{})
}

func (d *expressionDialect) payload(name string, n *source.Node) template {
	return d.template(n, name, query.Env{})
}

func (d *expressionDialect) items(m *asl.Map) template {
	return d.template(m.Items, "Items", query.Env{})
}
