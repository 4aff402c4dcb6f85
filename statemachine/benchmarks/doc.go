// Package benchmarks holds the language of state machines against what else there is in Go for each of its parts, in one
// run: `make compare`. It is a module of its own, so that what it compares with is no dependency of Tercel.
//
// What is compared does not do the same: other libraries work on decoded values and have no errors that say where, and
// other state machines keep no history. Each benchmark says what it leaves out.
package benchmarks
