package asl

import _ "embed" // for the schema

//go:embed asl.schema.json
var schema []byte

// Schema gives a JSON Schema (draft 2020-12) of definitions, for editors. What it refuses the parser refuses; there is
// much that only the parser and the compiler find.
func Schema() []byte { return schema }
