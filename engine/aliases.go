package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
)

// CreateAlias makes an alias of a machine. One that is there already with the same targets and description is given as it
// is; another one of the name is a conflict.
func (e *Engine) CreateAlias(ctx context.Context, namespace, name string, a Alias) (Alias, error) {
	var made Alias
	err := e.persist(ctx, func(ctx context.Context) (err error) {
		made, err = e.cfg.Store.CreateAlias(ctx, namespaceOr(namespace), name, a)
		return err
	})
	e.machines.forget()
	if errors.Is(err, ErrExists) {
		if slices.Equal(made.Targets, a.Targets) && made.Description == a.Description {
			return made, nil
		}
		return made, errorf(CodeConflict,
			"Failed to create alias because an alias with the same name and a different routing configuration already exists.")
	}
	return made, aliasError(err, name, a.Name)
}

// UpdateAlias changes an alias; an empty part is left as it is.
func (e *Engine) UpdateAlias(ctx context.Context, namespace, name, alias string, targets []Target, description *string) (Alias, error) {
	a, err := e.Alias(ctx, namespace, name, alias)
	if err != nil {
		return a, err
	}
	if targets != nil {
		a.Targets = targets
	}
	if description != nil {
		a.Description = *description
	}
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		a, err = e.cfg.Store.UpdateAlias(ctx, namespaceOr(namespace), name, a)
		return err
	})
	e.machines.forget()
	return a, aliasError(err, name, alias)
}

// Alias gives one alias of a machine.
func (e *Engine) Alias(ctx context.Context, namespace, name, alias string) (Alias, error) {
	a, err := e.cfg.Store.Alias(ctx, namespaceOr(namespace), name, alias)
	return a, aliasError(err, name, alias)
}

// Aliases lists the aliases of a machine by name, those that lead to a version only if that is not 0.
func (e *Engine) Aliases(ctx context.Context, namespace, name string, version int, page Page) ([]Alias, error) {
	list, err := e.cfg.Store.Aliases(ctx, namespaceOr(namespace), name, version, page)
	return list, versionError(err, name)
}

// DeleteAlias deletes an alias. What was started under it goes on.
func (e *Engine) DeleteAlias(ctx context.Context, namespace, name, alias string) error {
	err := e.persist(ctx, func(ctx context.Context) error {
		return e.cfg.Store.DeleteAlias(ctx, namespaceOr(namespace), name, alias)
	})
	e.machines.forget()
	return aliasError(err, name, alias)
}

func aliasError(err error, machine, alias string) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return errorf(CodeResourceNotFound, "there is no alias %q of a state machine %q, or a version that it is to lead to does not exist",
			alias, machine)
	case errors.Is(err, ErrTooMany):
		return errorf(CodeQuotaExceeded, "state machine %s has %d aliases, as many as it may", machine, MaxAliases)
	}
	return asked(err)
}

// Tags gives the tags of a state machine or an activity by its id.
func (e *Engine) Tags(ctx context.Context, owner uuid.UUID) (map[string]string, error) {
	tags, err := e.cfg.Store.Tags(ctx, owner)
	return tags, asked(err)
}

// PutTags adds tags to a state machine or an activity, and changes those that are there.
func (e *Engine) PutTags(ctx context.Context, owner uuid.UUID, tags map[string]string) error {
	err := e.persist(ctx, func(ctx context.Context) error { return e.cfg.Store.PutTags(ctx, owner, tags) })
	if errors.Is(err, ErrTooMany) {
		return errorf(CodeTooManyTags, "there may be %d tags at the most", MaxTags)
	}
	return asked(err)
}

// DeleteTags removes tags. Those that are not there are no error.
func (e *Engine) DeleteTags(ctx context.Context, owner uuid.UUID, keys []string) error {
	return asked(e.persist(ctx, func(ctx context.Context) error { return e.cfg.Store.DeleteTags(ctx, owner, keys) }))
}
