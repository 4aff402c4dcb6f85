// Package statemachine is the Amazon States Language as a functional core: bytes in, values out.
//
// A definition is compiled once into a [Machine], which is immutable and shared by all its executions. The state of one
// execution is a [Run]. [Machine.Decide] takes a run and a [Signal] (it was started, a task ended, time passed) and says
// what happened, as events, and what must be done, as commands. [Run.Apply] folds an event into a run and evaluates
// nothing, so a run is rebuilt from its history without evaluating any expression again.
//
// Nothing here reads a clock, draws a random number, or touches a network, a file or a database: time and randomness
// come in with the signal, through [Env]. The caller keeps one rule: the events of a decision are durable before any of
// its commands is carried out.
package statemachine
