package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
)

// fault is an error with a name that the state machine can retry or catch. Any status but 2xx makes it one.
type fault struct {
	status int
	Name   string `json:"errorType"`
	Reason string `json:"errorMessage"`
}

func (f *fault) Error() string { return f.Name + ": " + f.Reason }

// answer is what a call was answered with; kept by idempotency key.
type answer struct {
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body"`
}

// routes gives the server: each function under its name.
func routes(s *shop, c *carrier) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /payment", function(s, s.pay))
	mux.Handle("POST /refund", function(s, s.refund))
	mux.Handle("POST /reserve", function(s, s.reserve))
	mux.Handle("POST /release", function(s, s.release))
	mux.Handle("POST /book", function(s, s.book))
	mux.Handle("POST /cancel", function(s, s.cancel))
	mux.Handle("POST /carrier", function(s, c.accept))
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, s.snapshot()) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, json.RawMessage(`{"status":"ok"}`))
	})
	return mux
}

// function makes a step of the shop an HTTP function: JSON in, JSON out, done once for each idempotency key.
func function[In, Out any](s *shop, step func(In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if key == "" {
			writeFault(w, &fault{http.StatusBadRequest, "Shop.BadRequest", "the header Idempotency-Key is missing"})
			return
		}
		var in In
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			writeFault(w, &fault{http.StatusBadRequest, "Shop.BadRequest", "reading the arguments: " + err.Error()})
			return
		}
		a, again, err := s.once(r.URL.Path+" "+key, func() answer { return toAnswer(step(in)) })
		if err != nil {
			slog.Error("remembering a step", "path", r.URL.Path, "error", err)
			writeFault(w, &fault{http.StatusInternalServerError, "Shop.Unavailable", err.Error()})
			return
		}
		slog.Info("called", "function", r.URL.Path, "status", a.Status, "delivered_before", again,
			"attempt", r.Header.Get("Tercel-Attempt"))
		write(w, a.Status, a.Body)
	})
}

func toAnswer[Out any](out Out, err error) answer {
	var f *fault
	switch {
	case errors.As(err, &f):
		return answer{f.status, encode(f)}
	case err != nil:
		return answer{http.StatusInternalServerError, encode(&fault{Name: "Shop.Failed", Reason: err.Error()})}
	default:
		return answer{http.StatusOK, encode(out)}
	}
}

func encode(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types of this program are JSON
	}
	return text
}

func writeFault(w http.ResponseWriter, f *fault) { write(w, f.status, encode(f)) }

func write(w http.ResponseWriter, status int, body json.RawMessage) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that went away asks again
}
