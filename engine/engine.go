package engine

import (
	"context"
	"iter"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// Engine runs executions.
type Engine struct{}

var errSoon = errorf(CodeServiceUnavailable, "not there yet")

// New checks the configuration and makes an engine. Start starts it.
func New(cfg Config) (*Engine, error) { return nil, errSoon }

// RegisterFunc registers a Go function of this process under a name, for resources `function:NAME`, in all namespaces.
func (e *Engine) RegisterFunc(name string, f Func) {}

// Start enters the node into the cluster and starts the loops. They run until Shutdown, whatever becomes of ctx.
func (e *Engine) Start(ctx context.Context) error { return errSoon }

// Shutdown stops taking work, waits a grace for function calls in flight, and hands all executions back.
func (e *Engine) Shutdown(ctx context.Context) error { return errSoon }

// Node describes this node.
func (e *Engine) Node() Node { return Node{} }

// Nodes lists the nodes whose lease is good.
func (e *Engine) Nodes(ctx context.Context) ([]Node, error) { return nil, errSoon }

// Ready checks that the node has its lease and that the database answers.
func (e *Engine) Ready(ctx context.Context) error { return errSoon }

// Stats gives the node's gauges.
func (e *Engine) Stats() Stats { return Stats{} }

// PeerKey is the key with which calls between nodes are signed; the same on all nodes of the cluster. Call it after Start.
func (e *Engine) PeerKey() []byte { return nil }

// Validate compiles a definition and gives all findings.
func (e *Engine) Validate(file string, definition []byte) diag.List { return nil }

// Deploy checks a definition and stores it as the machine's newest revision. A definition with errors gives a
// *DefinitionError.
func (e *Engine) Deploy(ctx context.Context, r DeployRequest) (DeployResult, error) {
	return DeployResult{}, errSoon
}

// StateMachine gives a machine, by name or ARN, with its newest revision.
func (e *Engine) StateMachine(ctx context.Context, namespace, ref string) (StateMachine, error) {
	return StateMachine{}, errSoon
}

// StateMachines lists machines by name.
func (e *Engine) StateMachines(ctx context.Context, namespace string, page Page) ([]StateMachine, error) {
	return nil, errSoon
}

// Revision gives the definition of one revision.
func (e *Engine) Revision(ctx context.Context, revision uuid.UUID) (StateMachine, error) {
	return StateMachine{}, errSoon
}

// DeleteStateMachine removes a machine from the registry; its executions go on and stay readable.
func (e *Engine) DeleteStateMachine(ctx context.Context, namespace, ref string) error { return errSoon }

// StateMachineARN gives the ARN of a machine.
func (e *Engine) StateMachineARN(name string) string { return "" }

// ExecutionARN gives the ARN of an execution.
func (e *Engine) ExecutionARN(machine, name string) string { return "" }

// PutFunction creates or changes a function of the registry.
func (e *Engine) PutFunction(ctx context.Context, namespace, name string, c FunctionConfig) error {
	return errSoon
}

// Function gives a function of the registry.
func (e *Engine) Function(ctx context.Context, namespace, name string) (FunctionInfo, error) {
	return FunctionInfo{}, errSoon
}

// Functions lists the functions of a namespace by name.
func (e *Engine) Functions(ctx context.Context, namespace string) ([]FunctionInfo, error) {
	return nil, errSoon
}

// DeleteFunction removes a function from the registry.
func (e *Engine) DeleteFunction(ctx context.Context, namespace, name string) error { return errSoon }

// StartExecution starts an execution. Its answer comes after the commit. The same name with the same input gives the
// execution that is there already, and created is false; with other input it gives ExecutionAlreadyExists.
func (e *Engine) StartExecution(ctx context.Context, r StartRequest) (x Execution, created bool, err error) {
	return Execution{}, false, errSoon
}

// StartExecutionTx starts an execution within a transaction of the caller's: it runs if and when that commits. Call
// Kick after the commit for it to begin at once; without, it begins within Config.Poll.
func (e *Engine) StartExecutionTx(ctx context.Context, tx pgx.Tx, r StartRequest) (x Execution, created bool, err error) {
	return Execution{}, false, errSoon
}

// Kick makes the node look for due executions now.
func (e *Engine) Kick() {}

// ResolveExecution gives the id of an execution from what a person calls it: its id, `machine/name`, or its ARN.
func (e *Engine) ResolveExecution(ctx context.Context, namespace, ref string) (uuid.UUID, error) {
	return uuid.Nil, errSoon
}

// DescribeExecution gives one execution, by what ResolveExecution takes.
func (e *Engine) DescribeExecution(ctx context.Context, namespace, ref string) (Execution, error) {
	return Execution{}, errSoon
}

// ListExecutions lists executions, newest first, without input and output.
func (e *Engine) ListExecutions(ctx context.Context, filter Filter, page Page) ([]Execution, error) {
	return nil, errSoon
}

// History gives the rows with a seq of at least from, in order, at most limit of them (0: all).
func (e *Engine) History(ctx context.Context, id uuid.UUID, from int64, limit int) (HistoryPage, error) {
	return HistoryPage{}, errSoon
}

// Watch gives the history rows from seq from on (0: all) as they are committed, until the execution has ended, ctx
// ends, or the caller breaks off. The last update has the execution's end. The first update comes at once.
func (e *Engine) Watch(ctx context.Context, id uuid.UUID, from int64) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {}
}

// Wait waits until an execution has ended.
func (e *Engine) Wait(ctx context.Context, id uuid.UUID) (Execution, error) {
	return Execution{}, errSoon
}

// StopExecution aborts an execution. One that has ended already is left as it is, without an error.
func (e *Engine) StopExecution(ctx context.Context, id uuid.UUID, errName, cause string) (Execution, error) {
	return Execution{}, errSoon
}

// RedriveExecution lets an execution that failed, was aborted or timed out go on from where it ended.
func (e *Engine) RedriveExecution(ctx context.Context, id uuid.UUID) (Execution, error) {
	return Execution{}, errSoon
}

// SendTaskSuccess completes the task of a token. Output must be JSON.
func (e *Engine) SendTaskSuccess(ctx context.Context, token string, output []byte) error {
	return errSoon
}

// SendTaskFailure fails the task of a token.
func (e *Engine) SendTaskFailure(ctx context.Context, token, errName, cause string) error {
	return errSoon
}

// SendTaskHeartbeat says that the task of a token is worked on.
func (e *Engine) SendTaskHeartbeat(ctx context.Context, token string) error { return errSoon }

// HandleForwarded answers a call that another node forwarded to this one, which owns its execution.
func (e *Engine) HandleForwarded(ctx context.Context, call ForwardedCall) error { return errSoon }
