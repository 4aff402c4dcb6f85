package teststate

import (
	"bytes"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// readItems reads what the ItemReader of a Map would have read.
func (t *test) readItems() error {
	m, ok := t.state.(*asl.Map)
	if !ok || m.ItemReader == nil {
		return nil
	}
	if t.Configuration.MapItemReaderData == nil {
		return invalid("ItemReader data must be specified when testing a Map state with ItemReader specified.")
	}
	kind := "JSON"
	if n := m.ItemReader.Get("ReaderConfig").Get("InputType"); n != nil && n.Text != "" {
		kind = strings.ToUpper(n.Text)
	}
	items, problem := readData(kind, []byte(*t.Configuration.MapItemReaderData))
	if problem != "" {
		return invalid("Invalid mapItemReaderData provided: %s", problem)
	}
	t.trial.Items = items
	return nil
}

// readData reads the items in data of a kind: a JSON array, or one JSON value a line.
func readData(kind string, data []byte) (items *value.Value, problem string) {
	switch kind {
	case "JSON":
		v, err := value.Parse(data)
		switch {
		case err != nil:
			return nil, "it is not valid JSON: " + err.Error()
		case v.Kind() != value.Array:
			return nil, "it must be a JSON array, since the InputType is JSON"
		}
		return v, ""
	case "JSONL":
		var list []*value.Value
		for line := range bytes.Lines(data) {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			v, err := value.Parse(line)
			if err != nil {
				return nil, "a line of it is not valid JSON: " + err.Error()
			}
			list = append(list, v)
		}
		return value.FromArray(list).Settled(), ""
	default:
		return nil, "data of the InputType " + kind + " cannot be read; give JSON or JSONL"
	}
}
