package engine

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Store keeps everything that outlives a process. Package store implements it on Postgres.
//
// All times that decide ownership are the database's. Methods are safe for concurrent use.
type Store interface {
	Writer
	Claims
	Registry
	Activities
	Approvals
	Versions
	Reader
	Children
	Connections
}

// Writer commits durable points.
type Writer interface {
	// Commit writes a batch of durable points in one transaction and sets Outcome in each. An error means that nothing
	// of the batch was written (or, after a lost connection, that it is unknown; writing it again is safe, because the
	// primary key of history refuses a second row of the same seq and Start is idempotent by id).
	// At most one write of an execution may be in flight at a time.
	Commit(ctx context.Context, batch []*Write) error
	// CommitTx stores starts (with Start.Waiting) inside a transaction of the caller's.
	CommitTx(ctx context.Context, tx pgx.Tx, batch []*Write) error
}

// Write is one durable point of an execution: one row of history and, at the start, at the end, and when it is parked
// or snapshotted, the execution's own row. Events may be empty only when Start.Waiting is set, and
// for Express executions, whose history is one row at their end, or none.
type Write struct {
	Execution uuid.UUID
	Seq       int64     // of the history row, from 0
	At        time.Time // of the row's last event
	Events    []byte    // statemachine.EncodeEvents

	Start *StartRow // the execution begins with this write
	End   *EndRow   // it ends
	Park  *ParkRow  // it leaves memory until WakeAt, a signal, or both
	// Snapshot is a snapshot of the run after this write; kept with its Seq. Always set with Park, sometimes without.
	Snapshot []byte
	// Owned says that the write takes effect only if Node owns the execution, which runs: the end of an Express
	// execution, which has no history to be fenced by. It is not used with Start.
	Owned bool
	// Reopen takes an ended execution back into the RUNNING status (a redrive), owned by Node.
	Reopen bool
	// Adopt makes Node the owner of an execution that was parked: the first write after Claims.Parked, should it stay in
	// memory.
	Adopt bool
	// Node is the owner that writes. It is stored with Start, Reopen and Adopt, and checked with Owned.
	Node uuid.UUID

	// Approvals are approvals as they stand after this write, and Notices who is to be told of them. They are written by
	// the same transaction, and only if the write takes effect.
	Approvals []ApprovalRow
	Notices   []Notice

	// Outcome is set by Commit.
	Outcome Outcome
	// Settled is set by Commit if the ends of its batch settled waits, those of other writes perhaps; see Children.
	Settled bool
	// Existing is the id of the execution that has the name already; set with OutcomeNameTaken.
	Existing uuid.UUID
	// Err says why the write was refused; set with OutcomeRefused.
	Err error
}

// Outcome tells what became of a Write.
type Outcome uint8

// The outcomes of a write.
const (
	OutcomeCommitted Outcome = iota + 1
	OutcomeFenced            // the history row exists, or Owned is not so: somebody else owns it. Nothing of this Write was written.
	OutcomeNameTaken         // Start: the machine has an execution of that name. Nothing of this Write was written.
	// OutcomeRefused says that the store cannot hold what the Write contains, now or later; Err says why. Nothing of this
	// Write was written; the others of its batch were.
	OutcomeRefused
)

// StartRow is what an execution's row begins with.
type StartRow struct {
	Namespace    string
	Machine      uuid.UUID
	Revision     uuid.UUID
	Name         string
	Named        bool // the caller chose the name: it is unique within the machine
	Input        *value.Value
	StartedAt    time.Time
	TraceContext string // traceparent of the starter, may be empty
	Route        Route  // by which version and alias it was started
	// Waiting stores the start without running it: no owner, no history row. It waits in turn for a node with room.
	Waiting bool
}

// EndRow is what an execution's row ends with.
type EndRow struct {
	Status       Status
	Output       *value.Value // SUCCEEDED only
	Error, Cause *string
	EndedAt      time.Time
}

// ParkRow lets an execution go: no owner. A zero WakeAt means that only a signal wakes it.
type ParkRow struct{ WakeAt time.Time }

// Status is the status of an execution, spelt as the Step Functions API spells it.
type Status string

// The statuses of an execution.
const (
	Running        Status = "RUNNING"
	Succeeded      Status = "SUCCEEDED"
	Failed         Status = "FAILED"
	TimedOut       Status = "TIMED_OUT"
	Aborted        Status = "ABORTED"
	PendingRedrive Status = "PENDING_REDRIVE"
)

// Claims hands executions to nodes.
type Claims interface {
	// Register enters a node and its lease; Renew prolongs it and reports whether the node still has it (a node that was
	// taken for dead must drop everything it owns and register anew). Leave ends it.
	Register(ctx context.Context, node Node, lease time.Duration) error
	Renew(ctx context.Context, node uuid.UUID, lease time.Duration) (bool, error)
	Leave(ctx context.Context, node uuid.UUID) error
	// Nodes lists the nodes whose lease is good.
	Nodes(ctx context.Context) ([]Node, error)

	// ClaimDue takes up to limit parked executions whose time has come for the node.
	ClaimDue(ctx context.Context, node uuid.UUID, limit int) ([]Claimed, error)
	// ClaimQueued takes up to limit starts that wait for room (StartRow.Waiting): an equal part for each state machine that
	// has any, the oldest first. It may give fewer than there are, but none only if none is to be had.
	ClaimQueued(ctx context.Context, node uuid.UUID, limit int) ([]Claimed, error)
	// NextDue tells in how long the next parked execution is due, by the database's clock; false if none is.
	NextDue(ctx context.Context) (time.Duration, bool, error)
	// ClaimDead takes up to limit executions of nodes whose lease ran out.
	ClaimDead(ctx context.Context, node uuid.UUID, limit int) ([]Claimed, error)
	// Parked reads executions that are parked, in any order, and leaves them parked: whoever goes on with one becomes its
	// owner by its first write, and loses to whoever writes that row before. Executions that are not parked, or not in the
	// form that they were parked in (handed back, never begun), are left out; ClaimOne tells about them.
	Parked(ctx context.Context, executions []uuid.UUID) ([]Claimed, error)
	// ClaimOne takes one parked execution, for a signal that has come for it. Without a claim it tells who owns the
	// execution (Owner), or that it has ended (Status).
	ClaimOne(ctx context.Context, node, execution uuid.UUID) (ClaimResult, error)
	// Release hands executions back that the node owns: due at once, for any other node (a node that shuts down).
	Release(ctx context.Context, node uuid.UUID, executions []uuid.UUID) error
}

// Node is one process that runs executions.
type Node struct {
	ID      uuid.UUID
	Address string // base URL at which other nodes reach it, may be empty
	Version string
	Started time.Time
}

// Claimed is an execution that a node has just taken, with what it takes to rebuild its run: the snapshot, if there is
// one, and the history rows behind it.
type Claimed struct {
	Execution   ExecutionRow
	Snapshot    []byte
	SnapshotSeq int64 // the last seq that the snapshot contains; -1 without a snapshot
	History     []HistoryRow
}

// ClaimResult is what ClaimOne found.
type ClaimResult struct {
	Claimed *Claimed // nil: not claimed
	Found   bool
	Status  Status
	Owner   *Node // the live owner, if there is one
}

// HistoryRow is one durable point.
type HistoryRow struct {
	Seq    int64
	At     time.Time
	Events []byte
}

// ExecutionRow is an execution as its row has it.
type ExecutionRow struct {
	ID           uuid.UUID
	Namespace    string
	Machine      uuid.UUID
	MachineName  string
	Revision     uuid.UUID
	Name         string
	Status       Status
	Input        *value.Value
	Output       *value.Value
	Error, Cause *string
	StartedAt    time.Time
	EndedAt      *time.Time
	Owner        *uuid.UUID
	WakeAt       *time.Time
	RedriveCount int
	RedrivenAt   *time.Time
	TraceContext string
	Type         string // of its revision; "" in what Claims gives
	Route        Route  // of a start that is under way; see Versions.Routes for others
	RoleARN      string // of its revision, where the engine runs it
}

// Registry keeps state machines and functions.
type Registry interface {
	// PutStateMachine stores a definition as the machine's newest revision, creating the machine if need be. The same
	// text as the newest revision's changes nothing. Created and Changed report what happened.
	PutStateMachine(ctx context.Context, m StateMachine) (PutResult, error)
	// StateMachine gives a machine by name with its newest revision, or ErrNotFound.
	StateMachine(ctx context.Context, namespace, name string) (StateMachine, error)
	// Revision gives the definition of one revision, or ErrNotFound.
	Revision(ctx context.Context, revision uuid.UUID) (StateMachine, error)
	StateMachines(ctx context.Context, namespace string, page Page) ([]StateMachine, error)
	// DeleteStateMachine removes a machine from the registry; its executions go on and stay readable.
	DeleteStateMachine(ctx context.Context, namespace, name string) error

	PutFunction(ctx context.Context, f Function) error
	Function(ctx context.Context, namespace, name string) (Function, error)
	Functions(ctx context.Context, namespace string) ([]Function, error)
	DeleteFunction(ctx context.Context, namespace, name string) error
	// ClusterKey gives the 32 random bytes that all nodes share, made at first use. Task tokens and calls between nodes
	// are signed with it.
	ClusterKey(ctx context.Context) ([]byte, error)
	// RegistryVersion grows with every change of a function or a state machine, so that nodes know when to look again.
	RegistryVersion(ctx context.Context) (int64, error)
}

// StateMachine is a machine with one of its revisions.
type StateMachine struct {
	ID         uuid.UUID
	Namespace  string
	Name       string
	Revision   uuid.UUID
	Number     int    // of the revision, from 1
	Type       string // TypeStandard or TypeExpress
	LogLevel   LogLevel
	Definition []byte // as deployed, JSON or YAML
	File       string // the name of the file it was deployed from, for messages
	RoleARN    string // that the AWS API was given, "" for none
	Settings   Settings
	CreatedAt  time.Time
	RevisedAt  time.Time
}

// PutResult tells what a deploy changed.
type PutResult struct {
	StateMachine
	Created, Changed bool
}

// Function is a function of the registry. Config is its configuration as JSON; package engine knows its fields.
type Function struct {
	Namespace, Name string
	Config          []byte
	UpdatedAt       time.Time
}

// Reader answers questions about executions.
type Reader interface {
	// Execution gives one execution, or ErrNotFound.
	Execution(ctx context.Context, id uuid.UUID) (ExecutionRow, error)
	// ExecutionByName gives the newest execution of that name of the machine, or ErrNotFound.
	ExecutionByName(ctx context.Context, namespace, machine, name string) (ExecutionRow, error)
	// Executions lists executions, newest first, without input and output.
	Executions(ctx context.Context, filter Filter, page Page) ([]ExecutionRow, error)
	// History gives the rows with a seq of at least from, in order, at most limit of them (0: all).
	History(ctx context.Context, id uuid.UUID, from int64, limit int) ([]HistoryRow, error)
	// Ping checks that the database answers.
	Ping(ctx context.Context) error
}

// Filter chooses executions. Zero fields choose all.
type Filter struct {
	Namespace     string
	Machine       string
	Status        []Status
	NamePrefix    string
	Redriven      *bool  // true: those that were redriven; false: those that were not
	Version       int    // those that were started by this version of Machine
	Alias         string // those that were started by this alias of Machine
	StartedAfter  time.Time
	StartedBefore time.Time
}

// Page is a place in a list that is ordered by a descending time-ordered id (executions) or by name (the registry).
type Page struct {
	Limit int    // at most this many; 0 means 100
	After string // opaque: the last id or name of the page before
}
