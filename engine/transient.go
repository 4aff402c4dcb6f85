package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// maxDoubt is how often something is tried in a row that gives an error of which it is not known whether it passes.
const maxDoubt = 10

// permanent tells whether a Store's error will come again however often the same is tried: the database answered, and
// refused what it was given, or what it gave makes no sense.
func permanent(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if isCorrupt(err) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) || errors.Is(err, ErrConflict) || errors.Is(err, ErrTooMany) {
		return true
	}
	if coded, ok := errors.AsType[*Error](err); ok {
		return coded.Code != CodeServiceUnavailable
	}
	// 22 data exception, 23 integrity constraint, 42 syntax or access rule, 54 program limit exceeded
	return ofClass(err, "22", "23", "42", "54")
}

// passing tells whether a Store's error is one of those that pass: the database cannot be reached, is starting, stopping,
// failing over or full, or chose somebody else.
func passing(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrServiceUnavailable) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	// 08 connection, 25 transaction state (a standby is read-only), 28 authorization, 40 rollback, 53 resources, 55 object
	// state, 57 operator intervention, 58 system error
	return ofClass(err, "08", "25", "28", "40", "53", "55", "57", "58")
}

// ofClass tells whether Postgres answered with an error of one of these classes.
func ofClass(err error, classes ...string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && len(pg.Code) == 5 && slices.Contains(classes, pg.Code[:2])
}

// hopeless tells whether to give up on something that has failed so often in a row. An error of which it is not known
// whether it passes is believed to last if it came again and again while the database answered other questions.
func (e *Engine) hopeless(ctx context.Context, err error, failures int) bool {
	if permanent(err) {
		return true
	}
	return failures >= maxDoubt && !passing(err) && e.cfg.Store.Ping(ctx) == nil
}

// persist does something with the database until it succeeds, there is no hope that it will, or ctx ends: an outage
// makes callers wait and fails nobody. When ctx ends it gives ServiceUnavailable with what stood in the way.
func (e *Engine) persist(ctx context.Context, do func(context.Context) error) error {
	for failures := 0; ; failures++ {
		err := do(ctx)
		if err == nil || permanent(err) {
			return err
		}
		if failures == 0 && ctx.Err() == nil {
			e.log.Warn("the database does not answer; trying again", keyError, err)
		}
		if e.hopeless(ctx, err, failures) {
			return errorf(CodeServiceUnavailable, "the database gives an error that does not pass: %v", err)
		}
		pause(ctx, backoff(failures))
		if ctx.Err() != nil {
			return unavailable(ctx, err)
		}
		if e.stopped() {
			return errStopping
		}
	}
}

func unavailable(ctx context.Context, err error) error {
	return errors.Join(errorf(CodeServiceUnavailable, "the database does not answer: %v", err), context.Cause(ctx))
}
