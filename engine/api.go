package engine

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// Config is what an engine is made of. Only Store is required.
type Config struct {
	Store Store

	Address string // base URL at which other nodes reach this one, may be empty
	// PublicURL is the base URL at which people and other systems reach the cluster, for links; default http://localhost:8083.
	PublicURL string
	Version   string // of the program, for the list of nodes
	Region    string // in ARNs; default us-east-1
	Account   string // in ARNs; default 000000000000

	MaxLive        int           // executions in memory at a time; default 10,000. Starts beyond it are stored and wait.
	MaxStarts      int           // starts, and signals for parked executions, under way at a time; default 4,000. Further callers wait.
	MaxInvocations int           // function calls in flight at a time; default 1,000
	MaxQueuedBytes int           // bytes of history that wait for a commit, and of inputs of starts under way; default 64 MiB
	Writers        int           // connections that commit; default 2
	Lease          time.Duration // how long a node that does not answer keeps its executions; default 10s
	ParkAfter      time.Duration // an execution that waits longer than this leaves memory; default 10s, negative: at once
	Poll           time.Duration // how often the node looks for due executions at the latest; default 1s
	SnapshotRows   int           // a live execution is snapshotted after at least so many history rows; default 256
	ShutdownGrace  time.Duration // how long Shutdown waits for function calls in flight; default 5s
	MachineCache   int           // compiled revisions kept in memory; default 1,000

	LinkTTL time.Duration // how long the link of an approval without a deadline is good; default 30 days
	Secrets NotifySecrets // with which people are told of approvals

	Limits        statemachine.Limits
	AllowCommands bool // functions may run commands on this machine
	Integrations  IntegrationConfig
	Peers         Peers
	Logger        *slog.Logger

	// TracerProvider makes the spans of executions, see package tracing for the id generator that it needs; default: the
	// one of otel.SetTracerProvider.
	TracerProvider trace.TracerProvider
	// MeterProvider takes the metrics; default: the one of otel.SetMeterProvider.
	MeterProvider metric.MeterProvider
	// TraceIterations is of how many iterations of a Map the states have spans; default 100, negative: none. Of a Map
	// within a Map a tenth of them have, so that the trace of an execution stays bounded.
	TraceIterations int

	clock func() time.Time // of decisions; time.Now but in tests
}

// DefaultNamespace is the namespace of requests that name none.
const DefaultNamespace = "default"

// Peers carries calls to other nodes.
type Peers interface {
	// Forward hands a call to the node that owns its execution and gives that node's answer: nil, or the *Error its
	// HandleForwarded gave. Any other error means that the node was not reached.
	Forward(ctx context.Context, node Node, call ForwardedCall) error
}

// ForwardedCall is a call for an execution that another node owns. It is sent as JSON.
type ForwardedCall struct {
	Execution uuid.UUID           `json:"execution"`
	Kind      CallKind            `json:"kind"`
	Task      statemachine.TaskID `json:"task,omitempty"`
	Output    json.RawMessage     `json:"output,omitempty"`
	Error     string              `json:"error,omitempty"`
	Cause     string              `json:"cause,omitempty"`
	Decision  *ForwardedDecision  `json:"decision,omitempty"` // CallDecide and CallDelegate only
	Change    *MapRunChange       `json:"change,omitempty"`   // CallChangeMap only
	Worker    string              `json:"worker,omitempty"`   // CallStarted only
	Again     bool                `json:"again,omitempty"`    // CallStarted only: no worker has got it, whatever the run knows
}

// CallKind names what a ForwardedCall asks for.
type CallKind string

// The kinds of forwarded calls.
const (
	CallStop      CallKind = "stop"
	CallSuccess   CallKind = "success"
	CallFailure   CallKind = "failure"
	CallHeartbeat CallKind = "heartbeat"
	CallStarted   CallKind = "started" // a worker takes the task of an activity
)

// DeployRequest is a state machine to deploy.
type DeployRequest struct {
	Namespace  string // default DefaultNamespace
	Name       string
	Type       string   // TypeStandard or TypeExpress; empty: what the machine has, TypeStandard for a new one
	LogLevel   LogLevel // of TypeExpress; empty: what the machine has, LogError for a new one
	File       string   // the name of the definition's file, for messages; may be empty
	Definition []byte   // JSON or YAML
	DryRun     bool     // check only
}

// DeployResult is what a deploy did. With DryRun only Warnings is set.
type DeployResult struct {
	StateMachine StateMachine
	Created      bool // the machine is new
	Changed      bool // the definition differs from the one deployed before
	Warnings     diag.List
}

// StartRequest starts an execution.
type StartRequest struct {
	Namespace    string
	StateMachine string // name or ARN
	Name         string // unique within the machine, unless it is EXPRESS; empty: the engine makes one
	Input        []byte // JSON; empty means {}
	TraceContext string // traceparent of the caller; empty: that of the span in the context, if there is one
}

// Execution is an execution and its names.
type Execution struct {
	ExecutionRow
	ARN             string
	StateMachineARN string
}

// Update is what a watcher is told: the history rows that are new, and the execution as it is after them.
type Update struct {
	Execution Execution
	Rows      []HistoryRow
}

// HistoryPage is a part of an execution's history.
type HistoryPage struct {
	Execution  Execution
	Definition StateMachine          // the revision that the execution runs
	Machine    *statemachine.Machine // the same, compiled; nil if it does not compile with this release
	Rows       []HistoryRow          // see Events
}

// TaskInfo tells a function which task it works on. The deadline of the task is that of the context.
type TaskInfo = invoke.TaskInfo

// Func is a function in this process; see invoke.Func for what it may give, and Typed for functions with types of
// their own.
type Func = invoke.Func

// Typed makes a Func of a function with types of its own, read and written as encoding/json does.
func Typed[In, Out any](f func(ctx context.Context, task TaskInfo, in In) (Out, error)) Func {
	return invoke.Typed(f)
}

// Stats are a node's gauges at one moment.
type Stats struct {
	Live               int   `json:"live"`                // executions in memory
	Invocations        int   `json:"invocations"`         // function calls in flight
	WaitingInvocations int   `json:"waiting_invocations"` // function calls that wait for room
	QueuedWrites       int   `json:"queued_writes"`       // durable points that wait for a commit
	Runnable           int   `json:"runnable"`            // executions that have something to do and wait for a processor
	WaitingReads       int   `json:"waiting_reads"`       // parked executions that wait to be read for a signal
	QueuedBytes        int   `json:"queued_bytes"`        // their size, with those that commit just now
	Starting           int   `json:"starting"`            // starts under way
	WaitingStarts      int   `json:"waiting_starts"`      // callers in line to start
	Commits            int64 `json:"commits"`             // since the start
	Writes             int64 `json:"writes"`              // durable points committed since the start
	Fenced             int64 `json:"fenced"`              // durable points refused because another node owns the execution
	Started            int64 `json:"started"`             // executions started here
	Ended              int64 `json:"ended"`               // executions ended here
	Parked             int64 `json:"parked"`              // executions that left memory here
}
