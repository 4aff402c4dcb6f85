package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// control gives what keeps keys, or a refusal where there is none.
func (a *API) control() (*access.Control, error) {
	if a.cfg.Access == nil {
		return nil, refuse(http.StatusNotFound, CodeNotFound, "this server keeps no keys and no audit")
	}
	return a.cfg.Access, nil
}

func (a *API) listKeys(w http.ResponseWriter, r *http.Request) error {
	c, err := a.control()
	if err != nil {
		return err
	}
	if p := query(r); p.err != nil {
		return p.err
	}
	keys, err := c.Keys(r.Context())
	if err != nil {
		return err
	}
	out := wire.KeyList{Keys: make([]wire.Key, 0, len(keys))}
	for _, k := range keys {
		out.Keys = append(out.Keys, key(k))
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

func (a *API) createKey(w http.ResponseWriter, r *http.Request) error {
	c, err := a.control()
	if err != nil {
		return err
	}
	var in wire.NewKey
	if err := readJSON(r, &in); err != nil {
		return err
	}
	n := access.NewKey{Name: in.Name, Namespaces: in.Namespaces, CreatedBy: access.Loopback}
	if in.Expires != "" {
		if n.Expires, err = time.ParseDuration(in.Expires); err != nil || n.Expires <= 0 {
			return invalid("the field expires is %q, but must be a duration such as 720h", in.Expires)
		}
	}
	if n.Scopes, err = access.ParseScopes(in.Scopes); err != nil {
		return err
	}
	if p, ok := access.From(r.Context()); ok {
		n.CreatedBy = p.Name
	}
	made, err := c.Create(r.Context(), n)
	if err != nil {
		return err
	}
	access.CallOf(r.Context()).About("", "key/"+made.ID)
	w.Header().Set("Cache-Control", "no-store")
	a.write(w, r, http.StatusCreated, wire.CreatedKey{Key: key(made.Key), Secret: made.Secret, SecretAccessKey: made.AWSSecret})
	return nil
}

func (a *API) revokeKey(w http.ResponseWriter, r *http.Request) error {
	c, err := a.control()
	if err != nil {
		return err
	}
	id, err := pathParam(r, "id")
	if err != nil {
		return err
	}
	revoked, err := c.Revoke(r.Context(), id)
	if errors.Is(err, access.ErrNotFound) {
		return refuse(http.StatusNotFound, CodeKeyDoesNotExist, "there is no key %q; `tercel keys list` shows those there are", id)
	}
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, key(revoked))
	return nil
}

func (a *API) listAudit(w http.ResponseWriter, r *http.Request) error {
	c, err := a.control()
	if err != nil {
		return err
	}
	p := query(r, "since", "until", "actor", "action", "limit", "cursor")
	filter := access.AuditFilter{Since: p.moment("since"), Until: p.moment("until"), Actor: p.text("actor"), Action: p.text("action")}
	limit, cursor := p.limit(), p.text("cursor")
	if cursor != "" {
		if filter.After, err = uuid.Parse(cursor); err != nil {
			p.fail("the parameter cursor is %q, which is none that this server gave; use nextCursor of the page before", cursor)
		}
	}
	if p.err != nil {
		return p.err
	}
	filter.Limit = limit + 1
	entries, err := c.Audit(r.Context(), filter)
	if err != nil {
		return err
	}
	out := wire.Audit{Entries: make([]wire.AuditEntry, 0, len(entries))}
	for i, e := range entries {
		if i == limit {
			out.NextCursor = entries[limit-1].ID.String()
			break
		}
		out.Entries = append(out.Entries, wire.AuditEntry{
			ID: e.ID.String(), At: e.At.UTC(), Actor: e.Actor, KeyID: e.KeyID, Action: e.Action, Namespace: e.Namespace, Resource: e.Resource,
			Address: e.Address, Outcome: e.Outcome, RequestID: e.RequestID,
		})
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

// key gives a key as it travels.
func key(k access.Key) wire.Key {
	out := wire.Key{
		ID: k.ID, Name: k.Name, Namespaces: k.Namespaces, State: k.State(time.Now()), CreatedAt: k.CreatedAt.UTC(), CreatedBy: k.CreatedBy,
		ExpiresAt: utcOrNone(k.ExpiresAt), RevokedAt: utcOrNone(k.RevokedAt), LastUsedAt: utcOrNone(k.LastUsedAt),
	}
	for _, s := range k.Scopes {
		out.Scopes = append(out.Scopes, string(s))
	}
	return out
}

// utcOrNone gives nil for the zero time.
func utcOrNone(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return utc(&t)
}
