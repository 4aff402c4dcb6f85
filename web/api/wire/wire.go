// Package wire holds the JSON bodies of the native API, /api/v1, for the server that writes them and the client that
// reads them. It knows nothing of HTTP and of the engine.
//
// Times are RFC 3339 in UTC. Payloads (inputs, outputs, results) are any JSON value and travel unchanged, up to white
// space. A field that is absent has no value.
package wire

import (
	"encoding/json"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// NamespaceHeader names the namespace that a request is about; without it, the query parameter namespace does, else it is
// "default".
const NamespaceHeader = "Tercel-Namespace"

// Problem is the body of every answer with a status of 400 or more.
type Problem struct {
	Code        string    `json:"code"`    // a stable identifier, such as ExecutionDoesNotExist
	Message     string    `json:"message"` // what is wrong and how to mend it
	Diagnostics diag.List `json:"diagnostics,omitempty"`
}

// StateMachine is a state machine with its newest revision.
type StateMachine struct {
	Name       string    `json:"name"`
	Namespace  string    `json:"namespace"`
	ARN        string    `json:"arn"`
	Type       string    `json:"type"`     // STANDARD or EXPRESS
	Revision   int       `json:"revision"` // the revision's number, from 1
	RevisionID string    `json:"revisionId"`
	LogLevel   string    `json:"logLevel,omitempty"` // of EXPRESS: ALL, ERROR, FATAL or OFF
	File       string    `json:"file,omitempty"`     // the name of the file it was deployed from
	CreatedAt  time.Time `json:"createdAt"`
	RevisedAt  time.Time `json:"revisedAt"`
	// Definition is the text as deployed, JSON or YAML. Lists leave it out.
	Definition string `json:"definition,omitempty"`
}

// StateMachineList is one page of state machines, ordered by name.
type StateMachineList struct {
	StateMachines []StateMachine `json:"stateMachines"`
	NextCursor    string         `json:"nextCursor,omitempty"` // for the next page; absent on the last one
}

// Deploy is the envelope that may be put instead of a bare definition.
type Deploy struct {
	Definition json.RawMessage `json:"definition"` // an object, or a string that holds JSON or YAML
	Type       string          `json:"type,omitempty"`
	LogLevel   string          `json:"logLevel,omitempty"`
	File       string          `json:"file,omitempty"`
	DryRun     bool            `json:"dryRun,omitempty"`
}

// DeployResult tells what a deploy changed.
type DeployResult struct {
	StateMachine StateMachine `json:"stateMachine"`
	Created      bool         `json:"created"`
	Changed      bool         `json:"changed"` // false: the newest revision has this very text already
	DryRun       bool         `json:"dryRun,omitempty"`
	Diagnostics  diag.List    `json:"diagnostics,omitempty"` // warnings
}

// Validation is the answer of /validate.
type Validation struct {
	Valid       bool      `json:"valid"`
	Diagnostics diag.List `json:"diagnostics"`
}

// Function is a function of the registry.
type Function struct {
	Name      string          `json:"name"`
	Namespace string          `json:"namespace"`
	Config    json.RawMessage `json:"config"` // an object with one of http, command and go
	UpdatedAt time.Time       `json:"updatedAt"`
}

// FunctionList is all functions of a namespace, ordered by name.
type FunctionList struct {
	Functions []Function `json:"functions"`
}

// Connection is a connection of the registry, from which http:invoke has its credentials.
type Connection struct {
	Name      string          `json:"name"`
	Namespace string          `json:"namespace"`
	Config    json.RawMessage `json:"config"` // an object with one of basic, api_key and oauth
	UpdatedAt time.Time       `json:"updatedAt"`
}

// ConnectionList is all connections of a namespace, ordered by name.
type ConnectionList struct {
	Connections []Connection `json:"connections"`
}

// Start asks for an execution.
type Start struct {
	Name  string          `json:"name,omitempty"`  // unique within the machine; without it a name is made up
	Input json.RawMessage `json:"input,omitempty"` // any JSON value; {} if absent
}

// Started is the answer to Start.
type Started struct {
	ID           string    `json:"id"`
	ARN          string    `json:"arn"`
	Name         string    `json:"name"`
	StateMachine string    `json:"stateMachine"`
	StartedAt    time.Time `json:"startedAt"`
	// Existing is set when an execution of that name and input was there already: this is that one.
	Existing bool `json:"existing,omitempty"`
}

// Execution is one execution. Lists leave Input and Output out.
type Execution struct {
	ID           string          `json:"id"`
	ARN          string          `json:"arn"`
	Namespace    string          `json:"namespace"`
	StateMachine string          `json:"stateMachine"`
	Type         string          `json:"type,omitempty"` // of its state machine
	RevisionID   string          `json:"revisionId,omitempty"`
	Name         string          `json:"name"`
	Status       string          `json:"status"`
	Input        json.RawMessage `json:"input,omitempty"`
	Output       json.RawMessage `json:"output,omitempty"` // of a succeeded execution
	Error        *string         `json:"error,omitempty"`
	Cause        *string         `json:"cause,omitempty"`
	StartedAt    time.Time       `json:"startedAt"`
	EndedAt      *time.Time      `json:"endedAt,omitempty"`
	WakeAt       *time.Time      `json:"wakeAt,omitempty"` // when a parked execution goes on by itself
	Node         string          `json:"node,omitempty"`   // the node that has it in memory; absent while it is parked
	RedriveCount int             `json:"redriveCount"`
	RedrivenAt   *time.Time      `json:"redrivenAt,omitempty"`
}

// Ended tells whether the execution has ended.
func (e Execution) Ended() bool {
	return e.Status != "" && e.Status != "RUNNING" && e.Status != "PENDING_REDRIVE"
}

// ExecutionList is one page of executions, newest first.
type ExecutionList struct {
	Executions []Execution `json:"executions"`
	NextCursor string      `json:"nextCursor,omitempty"`
}

// History is one page of an execution's history.
type History struct {
	Events     []Event `json:"events"`
	NextCursor string  `json:"nextCursor,omitempty"`
}

// Event is one event of an execution's history, of the type and with the ids that the Step Functions API gives it.
type Event struct {
	Seq        int64     `json:"seq"` // its place in the history, from 1
	ID         int64     `json:"id"`
	PreviousID int64     `json:"previousEventId"` // the event that led to this one; 0 for none
	Type       string    `json:"type"`
	Timestamp  time.Time `json:"timestamp"`
	State      string    `json:"state,omitempty"` // the state that it happened in
	Frame      uint64    `json:"frame,omitempty"` // the branch or iteration that it happened in; 0 is the top level
	// Extra marks an event that the Step Functions API does not have; it has the id of the event before it.
	Extra   bool    `json:"extra,omitempty"`
	Details Details `json:"details"`
}

// Details are what an event says. Which fields there are depends on its type.
type Details struct {
	Input            json.RawMessage            `json:"input,omitempty"`
	Output           json.RawMessage            `json:"output,omitempty"`
	Assigned         map[string]json.RawMessage `json:"assignedVariables,omitempty"`
	Error            *string                    `json:"error,omitempty"`
	Cause            *string                    `json:"cause,omitempty"`
	Resource         string                     `json:"resource,omitempty"`
	ResourceType     string                     `json:"resourceType,omitempty"`
	TimeoutSeconds   float64                    `json:"timeoutSeconds,omitempty"`
	HeartbeatSeconds float64                    `json:"heartbeatSeconds,omitempty"`
	Worker           string                     `json:"worker,omitempty"`
	Location         string                     `json:"location,omitempty"` // of the expression within its state
	Index            *int                       `json:"index,omitempty"`    // of an iteration, from 0
	Length           *int                       `json:"length,omitempty"`   // how many items a Map has
	Until            *time.Time                 `json:"until,omitempty"`    // of a wait or a pause before a retry
	Node             string                     `json:"node,omitempty"`
	Approval         json.RawMessage            `json:"approval,omitempty"` // what an approval's event says
	RedriveCount     int                        `json:"redriveCount,omitempty"`
	Frames           []uint64                   `json:"frames,omitempty"` // the branches or the iteration that begin here
}

// Stop aborts an execution.
type Stop struct {
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`
}

// TaskSuccess completes a task that waits for its token.
type TaskSuccess struct {
	Token  string          `json:"token"`
	Output json.RawMessage `json:"output,omitempty"` // any JSON value; null if absent
}

// TaskFailure fails a task that waits for its token.
type TaskFailure struct {
	Token string `json:"token"`
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`
}

// TaskHeartbeat tells that whoever works on a task is alive.
type TaskHeartbeat struct {
	Token string `json:"token"`
}

// Version tells what answers.
type Version struct {
	Version   string `json:"version"`
	Commit    string `json:"commit,omitempty"`
	GoVersion string `json:"goVersion"`
	Node      string `json:"node,omitempty"`
}

// Health is the answer of the probes.
type Health struct {
	Status  string `json:"status"` // ok, or unavailable
	Message string `json:"message,omitempty"`
}
