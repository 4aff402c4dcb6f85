package api

import (
	"net/http"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

func (a *API) taskSuccess(w http.ResponseWriter, r *http.Request) error {
	var in wire.TaskSuccess
	if err := readToken(r, &in, &in.Token); err != nil {
		return err
	}
	output := []byte(in.Output)
	if len(output) == 0 {
		output = []byte("null")
	}
	if err := a.eng.SendTaskSuccess(r.Context(), in.Token, output); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) taskFailure(w http.ResponseWriter, r *http.Request) error {
	var in wire.TaskFailure
	if err := readToken(r, &in, &in.Token); err != nil {
		return err
	}
	if err := a.eng.SendTaskFailure(r.Context(), in.Token, in.Error, in.Cause); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) taskHeartbeat(w http.ResponseWriter, r *http.Request) error {
	var in wire.TaskHeartbeat
	if err := readToken(r, &in, &in.Token); err != nil {
		return err
	}
	if err := a.eng.SendTaskHeartbeat(r.Context(), in.Token); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readToken reads the body of a callback, which must have a token.
func readToken(r *http.Request, into any, token *string) error {
	if err := readJSON(r, into); err != nil {
		return err
	}
	return required("token", *token)
}
