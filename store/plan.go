package store

import (
	"bytes"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tercel-workflows/tercel/engine"
)

// anyRows is the number of affected rows that no one checks: of an update, which follows its row of history.
const anyRows = -1

// statement is one statement of a commit, with and without its guards.
type statement struct{ guarded, unguarded string }

func guardable(name string) statement {
	return statement{guarded: query(name), unguarded: unguarded(name)}
}

var (
	sqlPlanByKey       = query("plan_by_key")
	sqlInsertRoutes    = query("insert_routes")
	sqlInsertStarted   = guardable("insert_started")
	sqlInsertSettled   = guardable("insert_settled")
	sqlAppend          = guardable("append")
	sqlAppendIfStarted = query("append_if_started")
	sqlReopen          = guardable("reopen")
	sqlAdopt           = guardable("adopt")
	sqlEnd             = guardable("end")
	sqlEndOwned        = query("end_owned")
	sqlAppendIfEnded   = query("append_if_ended")
	sqlPark            = guardable("park")
	sqlSnapshot        = guardable("snapshot")
)

// plan is a batch, sorted into the statements that write it. Within a statement, rows are in the order of their keys:
// that keeps batches of several writers from deadlocking, and inserts next to each other what lies next to each other.
//
// Starts with a name are kept apart: that a name is taken is nothing unusual, so they are always guarded.
type plan struct {
	batch []*engine.Write
	// doubtful are the writes that may be passed over even if nothing is guarded.
	doubtful []*engine.Write

	started, startedNamed startedRows
	settled, settledNamed settledRows
	rows, rowsNamed       historyRows

	reopens   changes
	reopenBy  uuids
	reopenAt  times
	adopts    changes
	adoptBy   uuids
	ends      changes
	endings   endings
	parks     changes
	wakeAt    times
	parked    blobs
	snapshots changes
	snapshot  blobs

	owned     ownedEnds
	ownedRows historyRows

	approvals approvalRows
	notices   noticeRows
	routes    routeRows

	settle int // which of the statements looks for those who wait for the ends, from 1; 0 if none does
}

// newPlan sorts a batch into its statements.
func newPlan(batch []*engine.Write) *plan {
	p := &plan{batch: batch}
	p.rows.grow(len(batch)) // nearly all writes have one
	sorted := slices.Clone(batch)
	slices.SortFunc(sorted, byKey)
	for _, w := range sorted {
		p.approvals.add(w)
		p.notices.add(w)
		switch {
		case w.Start != nil:
			p.addStart(w)
		case w.Owned:
			p.addOwned(w)
		default:
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
	started, settled, rows := &p.started, &p.settled, &p.rows
	if w.Start.Named {
		started, settled, rows = &p.startedNamed, &p.settledNamed, &p.rowsNamed
		p.doubtful = append(p.doubtful, w)
	}
	if w.Start.Waiting || w.End != nil || w.Park != nil || w.Snapshot != nil {
		settled.add(w)
	} else {
		started.add(w)
	}
	if len(w.Events) > 0 {
		rows.add(w)
	}
	if w.Start.Route.Version > 0 {
		p.routes.add(w)
	}
}

// addOwned adds the end of an Express execution, and its history if it is kept.
func (p *plan) addOwned(w *engine.Write) {
	p.owned.add(w)
	p.doubtful = append(p.doubtful, w)
	if len(w.Events) > 0 {
		p.ownedRows.add(w)
	}
}

func (p *plan) addChanges(w *engine.Write) {
	if w.Reopen {
		p.reopens.add(w)
		p.reopenBy = append(p.reopenBy, pgUUID(w.Node))
		p.reopenAt = append(p.reopenAt, pgTime(w.At))
	}
	if w.Adopt && w.End == nil && w.Park == nil { // these leave it without an owner
		p.adopts.add(w)
		p.adoptBy = append(p.adoptBy, pgUUID(w.Node))
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

// queue queues the statements that the plan needs. It gives the number of rows that each of them has to affect if no
// write is lost.
func (p *plan) queue(b *pgx.Batch, guarded bool) (affects []int) {
	add := func(rows, affected int, sql string, args ...any) {
		if rows > 0 {
			b.Queue(sql, args...)
			affects = append(affects, affected)
		}
	}
	text := func(s statement) string {
		if guarded {
			return s.guarded
		}
		return s.unguarded
	}
	insert := func(rows int, sql string, args []any) { add(rows, rows, sql, args...) }
	change := func(of *changes, sql statement, args ...any) {
		add(len(of.id), anyRows, text(sql), append([]any{of.id, of.seq}, args...)...)
	}
	p.settle = 0
	e := &p.endings
	add(len(p.reopens.id)+len(p.adopts.id)+len(p.ends.id)+len(p.parks.id)+len(p.snapshots.id)+len(p.rowsNamed.id)+
		len(p.owned.id)+len(p.notices.id)+len(p.approvals.task)+len(p.routes.id), anyRows, sqlPlanByKey)
	insert(len(p.started.id), text(sqlInsertStarted), p.started.args())
	insert(len(p.settled.id), text(sqlInsertSettled), p.settled.args())
	insert(len(p.startedNamed.id), sqlInsertStarted.guarded, p.startedNamed.args())
	insert(len(p.settledNamed.id), sqlInsertSettled.guarded, p.settledNamed.args())
	add(len(p.routes.id), anyRows, sqlInsertRoutes, p.routes.args()...)
	insert(len(p.rows.id), text(sqlAppend), p.rows.args())
	insert(len(p.rowsNamed.id), sqlAppendIfStarted, p.rowsNamed.args())
	insert(len(p.owned.id), sqlEndOwned, p.owned.args())
	insert(len(p.ownedRows.id), sqlAppendIfEnded, p.ownedRows.args())
	change(&p.reopens, sqlReopen, p.reopenBy, p.reopenAt)
	change(&p.adopts, sqlAdopt, p.adoptBy)
	change(&p.ends, sqlEnd, e.status, e.endedAt, e.output, e.err, e.cause, e.errBytes, e.causeBytes)
	if len(p.ends.id)+len(p.owned.id) > 0 {
		p.settle = len(affects) + 1
	}
	add(len(p.ends.id)+len(p.owned.id), anyRows, sqlSettleChildren, slices.Concat(p.ends.id, p.owned.id))
	change(&p.parks, sqlPark, p.wakeAt, p.parked)
	change(&p.snapshots, sqlSnapshot, p.snapshot)
	add(len(p.approvals.task), anyRows, sqlPutApprovals, p.approvals.args()...)
	add(len(p.notices.id), anyRows, sqlPutNotices, p.notices.args()...)
	return affects
}
