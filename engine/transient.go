package engine

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// permanent tells whether a Store's error will come again however often the same is tried: the database answered, and
// refused what it was given. Everything else (no connection, a failover, a full disk, a deadlock) may pass.
func permanent(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) || errors.Is(err, ErrConflict) || errors.Is(err, ErrTooMany) {
		return true
	}
	if coded, ok := errors.AsType[*Error](err); ok {
		return coded.Code != CodeServiceUnavailable
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	// Classes: 22 data exception, 23 integrity constraint, 42 syntax or access rule, 54 program limit exceeded.
	for _, class := range []string{"22", "23", "42", "54"} {
		if strings.HasPrefix(pg.Code, class) {
			return true
		}
	}
	return false
}

// persist does something with the database until it succeeds, the database refuses it for good, or ctx ends: an outage
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
