// Package jsonpath is the query language JSONPath as AWS Step Functions has it: paths in the dialect of Jayway's library,
// the intrinsic functions (States.Format and its kin), payload templates whose keys end in .$, and the rules of Choice
// states.
//
// Everything is compiled once, when a definition is read: [ParsePath], [ParseReference], [ParseIntrinsic],
// [ParseExpression], [CompileTemplate], [CompileRule]. What comes out is immutable and safe for concurrent use. What is
// wrong with a definition is given as problems with the byte that they are at, all that can be found; what fails when an
// execution runs is a [query.Error] whose message is the service's own, without the "An error occurred while executing
// the state ..." that the caller puts in front.
//
// The dialect differs from RFC 9535. A path that can have one result only (members and single indexes) is definite: its
// result is that value, and it is an error if there is none. Any other path is indefinite: its result is an array, which
// is empty if nothing is there. An index beyond the end of an array finds JSON's null where a value is needed, and
// nothing where presence is asked for.
package jsonpath

import (
	"fmt"

	"github.com/tercel-workflows/tercel/statemachine/query"
)

// Name is the value of QueryLanguage that chooses this language. It is the default of the Amazon States Language.
const Name = "JSONPath"

// The names of the errors that this package gives. The service uses ErrorRuntime for nearly all, intrinsic functions
// included, although its documentation reserves further names.
const (
	ErrorRuntime           = "States.Runtime"
	ErrorReferenceConflict = "States.ReferencePathConflict"
)

// The limits of evaluation. What exceeds one fails with ErrorRuntime and says so.
const (
	maxVisits  = 2_000_000 // values looked at by one evaluation
	maxResults = 200_000   // results of one path
	maxBytes   = 8 << 20   // of a result's JSON text
	maxNesting = 10        // intrinsic functions inside of each other, the service's own limit
	maxSource  = 32 << 10  // of an expression, in bytes
	maxDepth   = 64        // filters and parentheses inside of each other
)

func runtimeError(format string, args ...any) *query.Error {
	return &query.Error{Name: ErrorRuntime, Message: fmt.Sprintf(format, args...)}
}

// limitError is the failure of an evaluation that would take too long or give too much.
func limitError(what string, limit int) *query.Error {
	return runtimeError("The evaluation exceeds the limit of %d %s", limit, what)
}
