package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
)

func (f *fixture) version() int64 {
	f.t.Helper()
	v, err := f.RegistryVersion(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return v
}

func TestPutStateMachine(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	m := engine.StateMachine{
		Namespace: "default", Name: "pay", Type: "STANDARD", Definition: []byte("StartAt: A # é\n"), File: "pay.yaml",
	}
	v0 := f.version()
	first, err := f.PutStateMachine(ctx, m)
	if err != nil || !first.Created || !first.Changed || first.Number != 1 {
		t.Fatalf("the first put gives %+v, %v", first, err)
	}
	v1 := f.version()
	again, err := f.PutStateMachine(ctx, m)
	if err != nil || again.Created || again.Changed || again.Revision != first.Revision || again.ID != first.ID {
		t.Fatalf("the same again gives %+v, %v", again, err)
	}
	if v1 <= v0 || f.version() != v1 {
		t.Errorf("the registry's version went from %d over %d to %d", v0, v1, f.version())
	}
	m.Definition, m.File = []byte("StartAt: B\n"), "elsewhere.yaml"
	second, err := f.PutStateMachine(ctx, m)
	if err != nil || second.Created || !second.Changed || second.Number != 2 || second.ID != first.ID {
		t.Fatalf("another text gives %+v, %v", second, err)
	}
	got, err := f.StateMachine(ctx, "default", "pay")
	if err != nil || got.Revision != second.Revision || string(got.Definition) != "StartAt: B\n" || got.File != "elsewhere.yaml" {
		t.Errorf("read %+v, %v", got, err)
	}
	old, err := f.Revision(ctx, first.Revision)
	if err != nil || string(old.Definition) != "StartAt: A # é\n" || old.Number != 1 || old.Name != "pay" {
		t.Errorf("read %+v, %v", old, err)
	}
	if _, err := f.StateMachine(ctx, "default", "none"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("an unknown machine gives %v", err)
	}
	if _, err := f.StateMachine(ctx, "elsewhere", "pay"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a machine of another namespace gives %v", err)
	}
	if _, err := f.Revision(ctx, newID()); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("an unknown revision gives %v", err)
	}
}

// TestPutStateMachineRace deploys from many places at once: each text becomes one revision, and numbers have no gap.
func TestPutStateMachineRace(t *testing.T) {
	f := newFixture(t)
	const writers, each = 8, 5
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for j := range each {
				_, err := f.PutStateMachine(t.Context(), engine.StateMachine{
					Namespace: "default", Name: "raced", Definition: fmt.Appendf(nil, "%d of %d", j, i),
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	m, err := f.StateMachine(t.Context(), "default", "raced")
	if err != nil || m.Number != writers*each {
		t.Errorf("the newest revision is %d, %v; want %d", m.Number, err, writers*each)
	}
}

func TestDeleteStateMachine(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	w := f.start("kept")
	f.commit(engine.OutcomeCommitted, w)
	if err := f.DeleteStateMachine(ctx, "default", "orders"); err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteStateMachine(ctx, "default", "orders"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("deleting it twice gives %v", err)
	}
	if _, err := f.StateMachine(ctx, "default", "orders"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("reading it gives %v", err)
	}
	if _, err := f.Revision(ctx, f.machine.Revision); err != nil {
		t.Errorf("reading the revision that an execution runs on: %v", err)
	}
	if row, err := f.ExecutionByName(ctx, "default", "orders", "kept"); err != nil || row.MachineName != "orders" {
		t.Errorf("reading its execution gives %+v, %v", row, err)
	}
	// A new machine of that name is another machine.
	put, err := f.PutStateMachine(ctx, engine.StateMachine{Namespace: "default", Name: "orders", Definition: []byte("{}")})
	if err != nil || !put.Created || put.ID == f.machine.ID || put.Number != 1 {
		t.Errorf("making it anew gives %+v, %v", put, err)
	}
	list, err := f.Executions(ctx, engine.Filter{Machine: "orders"}, engine.Page{})
	if err != nil || len(list) != 1 {
		t.Errorf("listing gives %d executions, %v", len(list), err)
	}
}

func TestStateMachines(t *testing.T) {
	f := newFixture(t)
	for i := range 25 {
		_, err := f.PutStateMachine(t.Context(), engine.StateMachine{
			Namespace: "many", Name: fmt.Sprintf("m%02d", i), Definition: []byte("{}"),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	page := engine.Page{Limit: 10}
	for {
		list, err := f.StateMachines(t.Context(), "many", page)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, m := range list {
			names = append(names, m.Name)
		}
		page.After = list[len(list)-1].Name
	}
	if len(names) != 25 || names[0] != "m00" || names[24] != "m24" {
		t.Errorf("listed %v", names)
	}
}

func TestFunctions(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	put := func(config string) {
		t.Helper()
		if err := f.PutFunction(ctx, engine.Function{Namespace: "default", Name: "pay", Config: []byte(config)}); err != nil {
			t.Fatal(err)
		}
	}
	v0 := f.version()
	put(`{"url": "http://a", "n": 1e400}`)
	v1 := f.version()
	put(`{"url": "http://a", "n": 1e400}`)
	if v1 <= v0 || f.version() != v1 {
		t.Errorf("the registry's version went from %d over %d to %d", v0, v1, f.version())
	}
	got, err := f.Function(ctx, "default", "pay")
	if err != nil || string(got.Config) != `{"url": "http://a", "n": 1e400}` || got.UpdatedAt.IsZero() {
		t.Errorf("read %+v, %v", got, err)
	}
	put(`{"url": "http://b"}`)
	if f.version() <= v1 {
		t.Error("a change did not move the registry's version")
	}
	if err := f.PutFunction(ctx, engine.Function{Namespace: "default", Name: "a", Config: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	list, err := f.Functions(ctx, "default")
	if err != nil || len(list) != 2 || list[0].Name != "a" || string(list[1].Config) != `{"url": "http://b"}` {
		t.Errorf("listed %+v, %v", list, err)
	}
	if err := f.DeleteFunction(ctx, "default", "pay"); err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteFunction(ctx, "default", "pay"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("deleting it twice gives %v", err)
	}
	if _, err := f.Function(ctx, "default", "pay"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("reading it gives %v", err)
	}
	err = f.PutFunction(ctx, engine.Function{Namespace: "default", Name: "bad", Config: []byte("{")})
	if err == nil || !strings.Contains(err.Error(), `"bad"`) {
		t.Errorf("a configuration that is not JSON gives %v", err)
	}
}
