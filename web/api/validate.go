package api

import (
	"net/http"

	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// validate checks a definition, bare or in an envelope, and answers 200 with all findings, also when there are errors.
func (a *API) validate(w http.ResponseWriter, r *http.Request) error {
	in, err := namespace(r)
	if err != nil {
		return err
	}
	d, definition, err := readDeploy(r)
	if err != nil {
		return err
	}
	found, err := a.eng.ValidateIn(r.Context(), in, d.Type, d.File, definition)
	if err != nil {
		return err
	}
	if found == nil {
		found = diag.List{}
	}
	a.write(w, r, http.StatusOK, wire.Validation{Valid: !found.HasErrors(), Diagnostics: found})
	return nil
}
