package asl

import (
	"fmt"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// didYouMean gives a hint that names the candidate closest to what was written, "" if none is close.
func didYouMean(written string, candidates []string) string {
	if near := diag.Closest(written, candidates); near != "" && near != written {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// alternatives writes "A, B or C".
func alternatives(values []string) string {
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	return strings.Join(values[:len(values)-1], ", ") + " or " + values[len(values)-1]
}
