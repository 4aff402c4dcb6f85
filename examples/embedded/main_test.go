package main

import (
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/store/storetest"
)

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), storetest.Postgres(t), &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, `order-7: SUCCEEDED {"order":"order-7","amount":2670,"key":"`) {
		t.Errorf("it printed %q", got)
	}
}
