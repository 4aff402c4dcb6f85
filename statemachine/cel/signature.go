package cel

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// function is a function of ours, or one of cel-go's that we implement anew so that it is charged before it works and
// keeps the digits of what it passes on.
type function struct {
	name       string
	signatures []string // such as "(list(A), int) list(A)"; none if cel-go declares them. A member starts with a dot.
	raw        bool     // it takes scalars as they are
	do         impl
	prepare    func(args []node) (impl, error) // instead of do: looks at the arguments when the expression is compiled
}

// functionNamed has all functions of this package.
var functionNamed = func() map[string]*function {
	byName := map[string]*function{}
	for _, group := range [][]function{
		operatorFunctions, listFunctions, mapFunctions, textFunctions, jsonFunctions, numberFunctions,
		statisticsFunctions, randomFunctions, timeFunctions,
	} {
		for i := range group {
			byName[group[i].name] = &group[i]
		}
	}
	return byName
}()

// declarations tells cel-go's checker of our functions.
func declarations() []cel.EnvOption {
	var options []cel.EnvOption
	for _, f := range functionNamed {
		if len(f.signatures) == 0 {
			continue
		}
		overloads := make([]cel.FunctionOpt, len(f.signatures))
		for i, s := range f.signatures {
			overloads[i] = overload(f.name, s)
		}
		options = append(options, cel.Function(f.name, overloads...))
	}
	return options
}

// overload reads a signature.
func overload(name, signature string) cel.FunctionOpt {
	text, member := strings.CutPrefix(signature, ".")
	p := &signatureParser{text: strings.ReplaceAll(text, " ", "")}
	args := p.list()
	out := p.typ()
	if p.text != "" {
		panic(fmt.Sprintf("cel: the signature %q of %s ends in %q", signature, name, p.text))
	}
	id := "tercel_" + name + signature
	if member {
		return cel.MemberOverload(id, args, out)
	}
	return cel.Overload(id, args, out)
}

type signatureParser struct{ text string }

// list reads types in parentheses.
func (p *signatureParser) list() []*cel.Type {
	var list []*cel.Type
	p.text = strings.TrimPrefix(p.text, "(")
	for !strings.HasPrefix(p.text, ")") {
		list = append(list, p.typ())
		p.text = strings.TrimPrefix(p.text, ",")
	}
	p.text = p.text[1:]
	return list
}

func (p *signatureParser) typ() *cel.Type {
	end := strings.IndexAny(p.text, "(),")
	if end < 0 {
		end = len(p.text)
	}
	name := p.text[:end]
	p.text = p.text[end:]
	switch name {
	case "list":
		return cel.ListType(p.list()[0])
	case "map":
		kv := p.list()
		return cel.MapType(kv[0], kv[1])
	case "optional":
		return cel.OptionalType(p.list()[0])
	}
	if t, ok := signatureTypes[name]; ok {
		return t
	}
	panic(fmt.Sprintf("cel: no type %q", name))
}

var signatureTypes = map[string]*types.Type{
	"bool": cel.BoolType, "int": cel.IntType, "double": cel.DoubleType, "string": cel.StringType, "bytes": cel.BytesType,
	"timestamp": cel.TimestampType, "duration": cel.DurationType, "dyn": cel.DynType, "A": cel.TypeParamType("A"),
	"K": cel.TypeParamType("K"), "V": cel.TypeParamType("V"),
}
