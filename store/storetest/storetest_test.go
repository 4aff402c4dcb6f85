package storetest_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/tercel-workflows/tercel/store/storetest"
)

// TestOpen shows that a test gets tables of its own that work.
func TestOpen(t *testing.T) {
	a, b := storetest.Open(t), storetest.Open(t)
	ctx := context.Background()
	keyOfA, err := a.ClusterKey(ctx)
	if err != nil {
		t.Fatal(err)
	}
	keyOfB, err := b.ClusterKey(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(keyOfA, keyOfB) {
		t.Error("two tests share their tables")
	}
}
