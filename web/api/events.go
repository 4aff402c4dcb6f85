package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
)

// writeTimeout is how long a client may take to read one event of a stream.
const writeTimeout = 30 * time.Second

// events streams the history of an execution as server-sent events, as it happens: an event "history" for each, with
// its seq as id, and at last an event "end" with the execution. A client that lost the stream sends Last-Event-ID and
// gets what came behind it.
func (a *API) events(w http.ResponseWriter, r *http.Request) error {
	p := query(r, "after")
	if text := r.Header.Get("Last-Event-ID"); text != "" {
		p.query.Set("after", text)
	}
	after, err := strconv.ParseInt("0"+p.text("after"), 10, 64)
	if err != nil {
		p.fail("Last-Event-ID is %q, but must be the id of an event, a number", p.text("after"))
	}
	if p.err != nil {
		return p.err
	}
	ns, id, err := a.find(r)
	if err != nil {
		return err
	}
	x, err := a.eng.DescribeExecution(r.Context(), ns, id.String())
	if err != nil {
		return err
	}
	viewer, err := a.eng.ViewerAfter(r.Context(), x, after)
	if err != nil {
		return err
	}
	ctx, cancel := a.drained(r.Context())
	defer cancel()
	s := openStream(w)
	err = a.stream(ctx, s, viewer, id, after)
	if err != nil && ctx.Err() == nil {
		status, body := problem(err)
		a.log.ErrorContext(ctx, "a stream of events went wrong", "execution", id, "status", status, "error", err)
		s.send("error", 0, body)
	}
	return nil // the answer has begun; nothing more can be said in its status
}

// stream sends events until the execution has ended, and comments while nothing happens.
func (a *API) stream(ctx context.Context, s *stream, v *engine.Viewer, id uuid.UUID, after int64) error {
	updates := make(chan engine.Update)
	watched := make(chan error, 1)
	go func(from int64) { watched <- a.follow(ctx, id, from, updates) }(v.Next())
	idle := time.NewTicker(a.cfg.KeepLive)
	defer idle.Stop()
	s.comment("the history of execution " + id.String())
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-watched:
			return err
		case <-idle.C:
			s.comment("still here")
		case u := <-updates:
			if err := s.rows(v, u.Rows, after); err != nil {
				return err
			}
			if ended(u.Execution.Status) {
				s.send("end", 0, execution(u.Execution))
				return nil
			}
			s.flush()
		}
		if s.err != nil {
			return fmt.Errorf("sending events: %w", s.err)
		}
	}
}

// follow hands the updates of an execution from a row on, until it has ended or ctx has.
func (a *API) follow(ctx context.Context, id uuid.UUID, from int64, updates chan<- engine.Update) error {
	for u, err := range a.eng.Watch(ctx, id, from) {
		if err != nil {
			return err
		}
		select {
		case updates <- u:
		case <-ctx.Done():
			return ctx.Err()
		}
		if ended(u.Execution.Status) {
			<-ctx.Done() // stream ends on the update, and not on the end of the watch
			return ctx.Err()
		}
	}
	return errors.New("the engine stopped telling what happens")
}

func ended(s engine.Status) bool {
	return s != "" && s != engine.Running && s != engine.PendingRedrive
}

// stream is an answer of server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error // the first that a write gave
}

func openStream(w http.ResponseWriter) *stream {
	s := &stream{w: w, control: http.NewResponseController(w)}
	_ = s.control.SetReadDeadline(time.Time{}) // the request has been read; its time limit must not end the stream
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // proxies must hand events on at once
	w.WriteHeader(http.StatusOK)
	return s
}

// rows sends the events of rows that come after a seq.
func (s *stream) rows(v *engine.Viewer, rows []engine.HistoryRow, after int64) error {
	for _, row := range rows {
		events, err := v.Add(row)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Seq > after {
				s.send("history", e.Seq, event(e))
			}
		}
	}
	return nil
}

// send sends one event; the id 0 means none.
func (s *stream) send(kind string, id int64, body any) {
	text, err := encode(body)
	if err != nil {
		s.err = err
		return
	}
	head := "event: " + kind + "\n"
	if id > 0 {
		head += "id: " + strconv.FormatInt(id, 10) + "\n"
	}
	s.write(head + "data: " + string(text) + "\n") // encode ends the line; JSON has no other line break
}

func (s *stream) comment(text string) {
	s.write(": " + text + "\n\n")
	s.flush()
}

func (s *stream) write(text string) {
	if s.err != nil {
		return
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not all writers have one
	_, s.err = s.w.Write([]byte(text))
}

func (s *stream) flush() {
	if err := s.control.Flush(); err != nil && s.err == nil {
		s.err = err
	}
}
