package store

import (
	"bytes"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlPlanByKey       = query("plan_by_key")
	sqlInsertStarted   = query("insert_started")
	sqlInsertSettled   = query("insert_settled")
	sqlAppend          = query("append")
	sqlAppendIfStarted = query("append_if_started")
	sqlReopen          = query("reopen")
	sqlEnd             = query("end")
	sqlPark            = query("park")
	sqlSnapshot        = query("snapshot")
)

// plan is a batch, sorted into the statements that write it. Within a statement, rows are in the order of their keys:
// that keeps batches of several writers from deadlocking, and inserts next to each other what lies next to each other.
type plan struct {
	batch []*engine.Write

	started startedRows
	settled settledRows
	rows    historyRows
	named   historyRows // of starts with a name, which may lose it

	reopens   changes
	reopenBy  uuids
	reopenAt  times
	ends      changes
	endings   endings
	parks     changes
	wakeAt    times
	parked    blobs
	snapshots changes
	snapshot  blobs
}

// newPlan sorts a batch into its statements.
func newPlan(batch []*engine.Write) *plan {
	p := &plan{batch: batch}
	sorted := slices.Clone(batch)
	slices.SortFunc(sorted, byKey)
	for _, w := range sorted {
		if w.Start != nil {
			p.addStart(w)
		} else {
			p.rows.add(w)
			p.addChanges(w)
		}
	}
	return p
}

// byKey orders writes as the unique indexes do that they may have to wait on: starts with a name by machine and name,
// then all others by execution.
func byKey(a, b *engine.Write) int {
	aNamed, bNamed := a.Start != nil && a.Start.Named, b.Start != nil && b.Start.Named
	switch {
	case aNamed && bNamed:
		if c := bytes.Compare(a.Start.Machine[:], b.Start.Machine[:]); c != 0 {
			return c
		}
		return strings.Compare(a.Start.Name, b.Start.Name)
	case aNamed:
		return -1
	case bNamed:
		return 1
	default:
		return bytes.Compare(a.Execution[:], b.Execution[:])
	}
}

func (p *plan) addStart(w *engine.Write) {
	if w.Start.Waiting || w.End != nil || w.Park != nil || w.Snapshot != nil {
		p.settled.add(w)
	} else {
		p.started.add(w)
	}
	switch {
	case len(w.Events) == 0:
	case w.Start.Named:
		p.named.add(w)
	default:
		p.rows.add(w)
	}
}

func (p *plan) addChanges(w *engine.Write) {
	if w.Reopen {
		p.reopens.add(w)
		p.reopenBy = append(p.reopenBy, pgUUID(w.Node))
		p.reopenAt = append(p.reopenAt, pgTime(w.At))
	}
	switch {
	case w.End != nil:
		p.ends.add(w)
		p.endings.add(w.End)
	case w.Park != nil:
		p.parks.add(w)
		p.wakeAt = append(p.wakeAt, pgTime(w.Park.WakeAt))
		p.parked = append(p.parked, w.Snapshot)
	case w.Snapshot != nil:
		p.snapshots.add(w)
		p.snapshot = append(p.snapshot, w.Snapshot)
	}
}

// anyRows is the number of affected rows that no one checks: of an update, which follows its history row.
const anyRows = -1

// queue queues the statements that the plan needs. It gives the number of rows that each of them has to affect if no
// write is lost.
func (p *plan) queue(b *pgx.Batch) (affects []int) {
	add := func(rows, affected int, sql string, args ...any) {
		if rows > 0 {
			b.Queue(sql, args...)
			affects = append(affects, affected)
		}
	}
	e := &p.endings
	changed := len(p.reopens.id) + len(p.ends.id) + len(p.parks.id) + len(p.snapshots.id)
	add(changed+len(p.named.id), anyRows, sqlPlanByKey)
	add(len(p.started.id), len(p.started.id), sqlInsertStarted, p.started.args()...)
	add(len(p.settled.id), len(p.settled.id), sqlInsertSettled, p.settled.args()...)
	add(len(p.rows.id), len(p.rows.id), sqlAppend, p.rows.args()...)
	add(len(p.named.id), len(p.named.id), sqlAppendIfStarted, p.named.args()...)
	add(len(p.reopens.id), anyRows, sqlReopen, p.reopens.id, p.reopens.seq, p.reopenBy, p.reopenAt)
	add(len(p.ends.id), anyRows, sqlEnd, p.ends.id, p.ends.seq, e.status, e.endedAt, e.output, e.err, e.cause,
		e.errBytes, e.causeBytes)
	add(len(p.parks.id), anyRows, sqlPark, p.parks.id, p.parks.seq, p.wakeAt, p.parked)
	add(len(p.snapshots.id), anyRows, sqlSnapshot, p.snapshots.id, p.snapshots.seq, p.snapshot)
	return affects
}
