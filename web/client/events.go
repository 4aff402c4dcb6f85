package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// reconnectPause is how long Events rests before it takes a lost stream up again.
const reconnectPause = 500 * time.Millisecond

// reconnectTries is how often in a row Events finds no server before it gives up.
const reconnectTries = 20

// Events calls each for every event of an execution's history behind the one with the seq after (0 for all), as they happen, until
// the execution has ended, and gives what it ended as. A stream that breaks off is taken up where it broke, so each
// sees every event once, also across a restart of the server. An error of each ends Events.
func (c *Client) Events(ctx context.Context, id string, after int64, each func(wire.Event) error) (wire.Execution, error) {
	for tries := 0; ; {
		last := after
		end, err := c.stream(ctx, id, &after, each)
		var gone *UnreachableError
		switch {
		case err == nil:
			return *end, nil
		case !errors.As(err, &gone) && !retriable(err):
			return wire.Execution{}, err
		}
		if tries++; after > last {
			tries = 0
		}
		if tries >= reconnectTries || (after == 0 && gone != nil) {
			return wire.Execution{}, err
		}
		select {
		case <-ctx.Done():
			return wire.Execution{}, ctx.Err()
		case <-time.After(reconnectPause):
		}
	}
}

// retriable tells whether a server that is restarting may have said this.
func retriable(err error) bool {
	var e *Error
	return errors.Is(err, errBrokenStream) ||
		errors.As(err, &e) && (e.Status == http.StatusServiceUnavailable || e.Status == http.StatusBadGateway)
}

var errBrokenStream = errors.New("the stream of events broke off")

// stream reads one stream of server-sent events to its end.
func (c *Client) stream(ctx context.Context, id string, after *int64, each func(wire.Event) error) (*wire.Execution, error) {
	header := http.Header{}
	if *after > 0 {
		header.Set("Last-Event-ID", strconv.FormatInt(*after, 10))
	}
	resp, err := c.do(ctx, http.MethodGet, execution(id, "/events"), nil, nil, "", "text/event-stream", header)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	r := bufio.NewReader(resp.Body)
	for {
		kind, data, err := readMessage(r)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("%w: %w", errBrokenStream, err)
		}
		switch kind {
		case "history":
			var e wire.Event
			if err := json.Unmarshal(data, &e); err != nil {
				return nil, fmt.Errorf("reading an event: %w", err)
			}
			if e.Seq <= *after {
				continue
			}
			if err := each(e); err != nil {
				return nil, err
			}
			*after = e.Seq
		case "end":
			var end wire.Execution
			if err := json.Unmarshal(data, &end); err != nil {
				return nil, fmt.Errorf("reading the end of the events: %w", err)
			}
			return &end, nil
		case "error":
			e := &Error{Status: http.StatusInternalServerError}
			if err := json.Unmarshal(data, &e.Problem); err != nil {
				return nil, fmt.Errorf("reading an error: %w", err)
			}
			return nil, e
		}
	}
}

// readMessage reads one server-sent event that has data, and passes over comments.
func readMessage(r *bufio.Reader) (kind string, data []byte, err error) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return "", nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && data != nil:
			return kind, data, nil
		case line == "":
			kind = ""
		case field == "event":
			kind = value
		case field == "data":
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, value...)
			if data == nil {
				data = []byte{}
			}
		}
	}
}
