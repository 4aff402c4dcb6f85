package awsapi

import "context"

type testStateInput struct {
	Definition *string `aws:"required;len=1..1048576;sensitive;any" json:"definition"`
}

// testState is not there yet.
func (a *API) testState(context.Context, string, *testStateInput) (empty, error) {
	return empty{}, fault400("UnsupportedOperationException", "TestState is not supported by this release; use `tercel test` or `tercel run`.")
}
