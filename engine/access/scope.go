package access

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is a right that a key may have.
type Scope string

// The scopes. None implies another, except that Admin implies all.
const (
	// Read allows to see everything of a namespace but keys and the audit: definitions, functions, executions with their
	// inputs and outputs, histories, live views; and to check definitions without storing them.
	Read Scope = "read"
	// Run allows to start, stop and redrive executions, to answer task tokens, and to work as a worker that polls.
	Run Scope = "run"
	// Decide allows to decide approvals.
	Decide Scope = "decide"
	// Deploy allows to change what runs: state machines and functions. Where functions may be commands, it is the right to
	// run anything on the machine of a node.
	Deploy Scope = "deploy"
	// Admin allows everything, keys and the audit included.
	Admin Scope = "admin"
)

// AllScopes gives the scopes that there are, in the order in which they are shown.
func AllScopes() []Scope { return []Scope{Read, Run, Decide, Deploy, Admin} }

// ParseScopes reads names of scopes, and gives them once each in the order of AllScopes. At least one must be given.
func ParseScopes(names []string) ([]Scope, error) {
	given := map[Scope]bool{}
	for _, name := range names {
		s := Scope(strings.ToLower(strings.TrimSpace(name)))
		if !slices.Contains(AllScopes(), s) {
			return nil, &InvalidError{fmt.Sprintf("there is no scope %q; the scopes are %s", name, JoinScopes(AllScopes()))}
		}
		given[s] = true
	}
	var out []Scope
	for _, s := range AllScopes() {
		if given[s] {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, &InvalidError{"a key needs at least one scope; the scopes are " + JoinScopes(AllScopes())}
	}
	return out, nil
}

// JoinScopes writes scopes for people, such as "read, run".
func JoinScopes(scopes []Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
