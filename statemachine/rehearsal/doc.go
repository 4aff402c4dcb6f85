// Package rehearsal runs an execution in memory, without a server and without waiting: tasks are answered by mocks, and
// time is virtual, so that a wait of a year takes microseconds.
//
// A rehearsal is the core itself, driven: every decision is one of [statemachine.Machine.Decide], and what a rehearsal
// shows is what an engine would record if its functions answered the same at the same times. Like the core it reads no
// clock and draws no random numbers: the same [Script] gives the same [Result].
//
// Package cases, below this one, reads rehearsals with what they are expected to do from files.
package rehearsal
