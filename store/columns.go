package store

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The array parameters of statements, one element a row.
type (
	uuids = pgtype.FlatArray[pgtype.UUID]
	times = pgtype.FlatArray[pgtype.Timestamptz]
	texts = pgtype.FlatArray[pgtype.Text]
	ints  = pgtype.FlatArray[pgtype.Int8]
	bools = pgtype.FlatArray[bool]
	blobs = pgtype.FlatArray[[]byte] // bytea and json; a nil element is NULL
)

func pgUUID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// pgTime gives NULL for the zero time. Postgres keeps microseconds.
func pgTime(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()} }

func pgText(s string) pgtype.Text { return pgtype.Text{String: s, Valid: true} }

// pgTextOrNull gives NULL for no text.
func pgTextOrNull(s string) pgtype.Text { return pgtype.Text{String: s, Valid: s != ""} }

// pgJSON gives NULL for no value.
func pgJSON(v *value.Value) []byte {
	if v == nil {
		return nil
	}
	return v.JSON()
}

// exact gives a text as a column of type text can hold it, and its bytes where that is not the text itself: Postgres
// has no U+0000 in a text and nothing that is not UTF-8.
func exact(s *string) (pgtype.Text, []byte) {
	if s == nil {
		return pgtype.Text{}, nil
	}
	if utf8.ValidString(*s) && strings.IndexByte(*s, 0) < 0 {
		return pgText(*s), nil
	}
	readable := strings.ReplaceAll(strings.ToValidUTF8(*s, "\uFFFD"), "\x00", "\uFFFD")
	return pgText(readable), []byte(*s)
}

// inexact is the inverse of exact.
func inexact(readable *string, bytes []byte) *string {
	if bytes == nil {
		return readable
	}
	s := string(bytes)
	return &s
}

// startColumns are what every row of a start has.
type startColumns struct {
	id, machine, revision uuids
	startedAt             times
	named                 bools
	namespace, name       texts
	input                 blobs
	trace                 texts
}

func (r *startColumns) add(w *engine.Write) {
	s := w.Start
	r.id = append(r.id, pgUUID(w.Execution))
	r.machine = append(r.machine, pgUUID(s.Machine))
	r.revision = append(r.revision, pgUUID(s.Revision))
	r.startedAt = append(r.startedAt, pgTime(s.StartedAt))
	r.named = append(r.named, s.Named)
	r.namespace = append(r.namespace, pgText(s.Namespace))
	r.name = append(r.name, pgText(s.Name))
	r.input = append(r.input, pgJSON(s.Input))
	r.trace = append(r.trace, pgTextOrNull(s.TraceContext))
}

func (r *startColumns) args() []any {
	return []any{r.id, r.machine, r.revision, r.startedAt, r.named, r.namespace, r.name, r.input, r.trace}
}

// startedRows are the rows of insert_started.
type startedRows struct {
	startColumns
	owner uuids
}

func (r *startedRows) add(w *engine.Write) {
	r.startColumns.add(w)
	r.owner = append(r.owner, pgUUID(w.Node))
}

func (r *startedRows) args() []any { return append(r.startColumns.args(), r.owner) }

// settledRows are the rows of insert_settled.
type settledRows struct {
	startColumns
	ending      endings
	wakeAt      times
	snapshotSeq ints
	snapshot    blobs
	queued      bools
	owner       uuids
}

func (r *settledRows) add(w *engine.Write) {
	r.startColumns.add(w)
	end, wake, snapshot, seq := w.End, time.Time{}, w.Snapshot, pgtype.Int8{Int64: w.Seq, Valid: true}
	owner := pgtype.UUID{}
	switch {
	case end != nil:
		snapshot = nil
	case w.Park != nil:
		wake = w.Park.WakeAt
	case !w.Start.Waiting:
		owner = pgUUID(w.Node)
	}
	if snapshot == nil {
		seq = pgtype.Int8{}
	}
	if end == nil {
		end = &engine.EndRow{Status: engine.Running}
	}
	r.ending.add(end)
	r.wakeAt = append(r.wakeAt, pgTime(wake))
	r.snapshotSeq = append(r.snapshotSeq, seq)
	r.snapshot = append(r.snapshot, snapshot)
	r.queued = append(r.queued, w.Start.Waiting)
	r.owner = append(r.owner, owner)
}

func (r *settledRows) args() []any {
	e := &r.ending
	return append(r.startColumns.args(), e.status, e.endedAt, r.wakeAt, r.snapshotSeq, e.output, e.err, e.cause, e.errBytes,
		e.causeBytes, r.snapshot, r.queued, r.owner)
}

// historyRows are the rows of append and append_if_started.
type historyRows struct {
	id     uuids
	seq    ints
	at     times
	events blobs
}

// grow makes room for n rows.
func (r *historyRows) grow(n int) {
	r.id, r.seq = make(uuids, 0, n), make(ints, 0, n)
	r.at, r.events = make(times, 0, n), make(blobs, 0, n)
}

func (r *historyRows) add(w *engine.Write) {
	r.id = append(r.id, pgUUID(w.Execution))
	r.seq = append(r.seq, pgtype.Int8{Int64: w.Seq, Valid: true})
	r.at = append(r.at, pgTime(w.At))
	r.events = append(r.events, w.Events)
}

func (r *historyRows) args() []any { return []any{r.id, r.seq, r.at, r.events} }

// changes are the rows that a statement changes, and the history row that entitles it to.
type changes struct {
	id  uuids
	seq ints
}

func (r *changes) add(w *engine.Write) {
	r.id = append(r.id, pgUUID(w.Execution))
	r.seq = append(r.seq, pgtype.Int8{Int64: w.Seq, Valid: true})
}

// endings are what executions end with.
type endings struct {
	status               texts
	endedAt              times
	output               blobs
	err, cause           texts
	errBytes, causeBytes blobs
}

func (r *endings) add(e *engine.EndRow) {
	err, errBytes := exact(e.Error)
	cause, causeBytes := exact(e.Cause)
	r.status = append(r.status, pgText(string(e.Status)))
	r.endedAt = append(r.endedAt, pgTime(e.EndedAt))
	r.output = append(r.output, pgJSON(e.Output))
	r.err = append(r.err, err)
	r.cause = append(r.cause, cause)
	r.errBytes = append(r.errBytes, errBytes)
	r.causeBytes = append(r.causeBytes, causeBytes)
}

// ownedEnds are the rows of end_owned.
type ownedEnds struct {
	id, owner uuids
	ending    endings
}

func (r *ownedEnds) add(w *engine.Write) {
	r.id = append(r.id, pgUUID(w.Execution))
	r.owner = append(r.owner, pgUUID(w.Node))
	r.ending.add(w.End)
}

func (r *ownedEnds) args() []any {
	e := &r.ending
	return []any{r.id, r.owner, e.status, e.endedAt, e.output, e.err, e.cause, e.errBytes, e.causeBytes}
}
