module github.com/tercel-workflows/tercel/statemachine/benchmarks

go 1.26.0

require (
	cel.dev/cel-go v0.33.2
	github.com/PaesslerAG/jsonpath v0.1.1
	github.com/looplab/fsm v1.0.3
	github.com/ohler55/ojg v1.28.5
	github.com/qmuntal/stateless v1.7.2
	github.com/tercel-workflows/tercel v0.0.0
	go.yaml.in/yaml/v3 v3.0.5
)

require (
	cel.dev/expr v0.25.2 // indirect
	github.com/PaesslerAG/gval v1.0.0 // indirect
	github.com/antlr4-go/antlr/v4 v4.13.1 // indirect
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // indirect
	golang.org/x/exp v0.0.0-20240823005443-9b4947da3948 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20260928230214-8a89bd6388cc // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260928230214-8a89bd6388cc // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/tercel-workflows/tercel => ../..
