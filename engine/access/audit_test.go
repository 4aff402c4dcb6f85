package access_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/store/storetest"
)

// TestAuditIsFlushed records more than one batch from many places and closes at once: nothing is lost.
func TestAuditIsFlushed(t *testing.T) {
	st := storetest.Open(t)
	c := start(t, st, access.Config{AuditEvery: time.Hour})
	ctx := access.With(t.Context(), access.Principal{Name: "ci", KeyID: "TKIA1"})
	ctx = access.WithOrigin(ctx, access.Origin{Address: "192.0.2.1", RequestID: "r"})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 300 {
				call, err := c.Begin(ctx, "StartExecution", "shop", fmt.Sprint("state-machine/", i, "-", j))
				if err != nil {
					t.Error(err)
					return
				}
				call.End(access.OutcomeOK)
				call.End("twice")
			}
		})
	}
	wg.Wait()
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := c.Audit(t.Context(), access.AuditFilter{Limit: 5000})
	if err != nil || len(found) != 2400 {
		t.Fatalf("%d entries, %v", len(found), err)
	}
	e := found[0]
	e.ID, e.At, e.Resource = uuid.Nil, time.Time{}, ""
	if e != (access.Entry{Actor: "ci", KeyID: "TKIA1", Action: "StartExecution", Namespace: "shop", Address: "192.0.2.1", Outcome: "ok", RequestID: "r"}) {
		t.Errorf("recorded as %+v", e)
	}
	// What is old is deleted, a bounded piece at a time.
	later := time.Now().Add(time.Hour)
	for want := 2400; want > 0; want -= 1000 {
		if n, err := st.DeleteAudit(t.Context(), later, 1000); err != nil || n != min(1000, want) {
			t.Fatalf("deleted %d of %d: %v", n, want, err)
		}
	}
}

// TestAuditWithoutRoom checks that a call is refused before it does anything if it cannot be recorded, and what is there is not lost.
func TestAuditWithoutRoom(t *testing.T) {
	st := &faulty{Store: storetest.Open(t)}
	c := start(t, st, access.Config{AuditQueue: 3, AuditEvery: time.Millisecond})
	st.away.Store(true)
	for range 3 {
		call, err := c.Begin(t.Context(), "StopExecution", "", "")
		if err != nil {
			t.Fatal(err)
		}
		call.End(access.OutcomeOK)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Begin(ctx, "StopExecution", "", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without room: %v", err)
	}
	c.Denied(t.Context(), "StopExecution", "", "", "AccessDenied") // does not wait
	st.away.Store(false)
	call, err := c.Begin(t.Context(), "StopExecution", "", "") // waits until there is room
	if err != nil {
		t.Fatal(err)
	}
	call.About("shop", "execution/x\x00\xff"+strings.Repeat("y", 1000))
	call.By("ada")
	call.End("Code")
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := c.Audit(t.Context(), access.AuditFilter{})
	if err != nil || len(found) != 4 {
		t.Fatalf("%d entries, %v", len(found), err)
	}
	if e := found[0]; e.Actor != "ada" || e.Namespace != "shop" || !strings.HasPrefix(e.Resource, "execution/x\uFFFD\uFFFDyyy") || e.Outcome != "Code" {
		t.Errorf("recorded as %+v", e)
	}
}

// TestDenialsAreBounded checks that a flood of refused calls does not become as many rows.
func TestDenialsAreBounded(t *testing.T) {
	now := time.Now()
	c := start(t, storetest.Open(t), access.Config{Now: func() time.Time { return now }})
	for range 1000 {
		c.Denied(t.Context(), "StartExecution", "", "", "Unauthenticated")
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := c.Audit(t.Context(), access.AuditFilter{Limit: 5000})
	if err != nil || len(found) != 50 {
		t.Errorf("%d entries, %v", len(found), err)
	}
}

// TestAuditRetention checks that entries go when their time is over.
func TestAuditRetention(t *testing.T) {
	st := storetest.Open(t)
	old := access.Entry{At: time.Now().Add(-2 * time.Hour), Actor: "a", Action: "b", Outcome: "ok"}
	fresh := access.Entry{ID: uuid.Must(uuid.NewV7()), At: time.Now(), Actor: "a", Action: "c", Outcome: "ok"}
	old.ID = uuid.Must(uuid.NewV7())
	ms := old.At.UnixMilli()
	for i := 5; i >= 0; i-- { // an id of that time
		old.ID[i] = byte(ms)
		ms >>= 8
	}
	for range 2 { // the second time as after an answer that was lost
		if err := st.InsertAudit(t.Context(), []access.Entry{old, fresh}); err != nil {
			t.Fatal(err)
		}
	}
	c := start(t, st, access.Config{AuditRetention: time.Hour})
	for deadline := time.Now().Add(patience); ; {
		found, err := c.Audit(t.Context(), access.AuditFilter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 && found[0].Action == "c" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left: %+v", found)
		}
	}
}
