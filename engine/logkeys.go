package engine

// The keys of log records. Every record about an execution has its id.
const (
	keyNode      = "node"
	keyExecution = "execution"
	keyMachine   = "state_machine"
	keyRevision  = "revision"
	keySeq       = "seq"
	keyTask      = "task"
	keyState     = "state"
	keyResource  = "resource"
	keyLoop      = "loop"
	keyError     = "error"
	keyCount     = "count"
	keyStack     = "stack"
	keyOwner     = "owner"
	keyAfter     = "after"
)
