package cel

import (
	"bytes"
	"encoding/json"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

var jsonFunctions = []function{
	{name: "parseJson", signatures: []string{"(string) dyn"}, do: parseJSON},
	{name: "toJson", signatures: []string{"(dyn) string"}, do: formatJSON, raw: true},
}

func parseJSON(r *run, args []ref.Val) ref.Val {
	text, ok := args[0].(types.String)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	r.charge(len(text) / unitBytes * 2)
	v, err := value.Parse([]byte(text))
	if err != nil {
		return newFault("parseJson(): %v", err)
	}
	return fromJSON(v)
}

func formatJSON(r *run, args []ref.Val) ref.Val {
	text, err := jsonText(r, args[0])
	if err != nil {
		return types.WrapErr(err)
	}
	return types.String(text)
}

// jsonText gives the JSON of a value without white space, charged before it is made.
func jsonText(r *run, v ref.Val) ([]byte, error) {
	if refused := r.chargeText(weight(v)); refused != nil {
		return nil, refused.(*types.Err).Unwrap()
	}
	text, err := appendJSON(nil, v)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, err
	}
	return compact.Bytes(), nil
}
