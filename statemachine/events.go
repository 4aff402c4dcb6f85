package statemachine

import "github.com/tercel-workflows/tercel/statemachine/event"

// EncodeEvents gives the stored form of events, which must not be empty. DecodeEvents reads it, from this release or an
// older one; the values of the events keep parts of row, and an error wraps event.ErrCorrupt.
func EncodeEvents(events []Event) []byte { return event.Encode(events) }

// MarkEvents makes the stored form of events differ from that of the same events with another mark. Readers pass over it.
func MarkEvents(row []byte, mark uint64) []byte { return event.Mark(row, mark) }

// DecodeEvents reads what EncodeEvents wrote.
func DecodeEvents(row []byte) ([]Event, error) { return event.Decode(row) }
