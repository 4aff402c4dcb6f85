package event

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// Encoder writes the fields of stored records: integers as varints, texts with their length before them. Fields have
// no names and no tags; a record is extended at its end only.
type Encoder struct{ buf []byte }

// Bytes gives what was written.
func (e *Encoder) Bytes() []byte { return e.buf }

// Uint writes a number.
func (e *Encoder) Uint(n uint64) { e.buf = binary.AppendUvarint(e.buf, n) }

// Int writes a number that may be negative.
func (e *Encoder) Int(n int64) { e.buf = binary.AppendVarint(e.buf, n) }

// Bool writes a truth value.
func (e *Encoder) Bool(b bool) {
	if b {
		e.buf = append(e.buf, 1)
	} else {
		e.buf = append(e.buf, 0)
	}
}

// Float writes a number with its fraction.
func (e *Encoder) Float(f float64) { e.Uint(math.Float64bits(f)) }

// Text writes a string.
func (e *Encoder) Text(s string) {
	e.Uint(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// OptionalText writes a string that may not be there.
func (e *Encoder) OptionalText(s *string) {
	if s == nil {
		e.Uint(0)
		return
	}
	e.Uint(uint64(len(*s)) + 1)
	e.buf = append(e.buf, *s...)
}

// Value writes a JSON value, which may be nil.
func (e *Encoder) Value(v *value.Value) {
	if v == nil {
		e.Uint(0)
		return
	}
	text := v.JSON()
	e.Uint(uint64(len(text)))
	e.buf = append(e.buf, text...)
}

// Time writes a time in milliseconds; the zero time is kept.
func (e *Encoder) Time(t time.Time) {
	if t.IsZero() {
		e.Uint(0)
		return
	}
	e.Int(t.UnixMilli())
}

// Duration writes a duration in milliseconds.
func (e *Encoder) Duration(d time.Duration) { e.Int(d.Milliseconds()) }

// ErrCorrupt is what decoding gives for bytes that no Encoder wrote.
var ErrCorrupt = errors.New("corrupt record")

// Decoder reads what an Encoder wrote. After the end of the record every field reads as its zero value, so that a
// record of an older release, which has fewer fields, still reads.
type Decoder struct {
	buf []byte
	err error
}

// NewDecoder reads buf, and keeps parts of it in the values that it gives.
func NewDecoder(buf []byte) *Decoder { return &Decoder{buf: buf} }

// Err gives ErrCorrupt if anything that was read so far was not as an Encoder writes it.
func (d *Decoder) Err() error { return d.err }

// More tells whether anything is left to read.
func (d *Decoder) More() bool { return d.err == nil && len(d.buf) > 0 }

func (d *Decoder) fail() {
	d.err = ErrCorrupt
	d.buf = nil
}

// Uint reads a number.
func (d *Decoder) Uint() uint64 {
	if len(d.buf) == 0 {
		return 0
	}
	n, size := binary.Uvarint(d.buf)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.buf = d.buf[size:]
	return n
}

// Int reads a number that may be negative.
func (d *Decoder) Int() int64 {
	if len(d.buf) == 0 {
		return 0
	}
	n, size := binary.Varint(d.buf)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.buf = d.buf[size:]
	return n
}

// Bool reads a truth value.
func (d *Decoder) Bool() bool { return d.Uint() != 0 }

// Float reads a number with its fraction.
func (d *Decoder) Float() float64 { return math.Float64frombits(d.Uint()) }

// Bytes reads n bytes, which stay part of the buffer.
func (d *Decoder) Bytes(n uint64) []byte {
	if n > uint64(len(d.buf)) {
		d.fail()
		return nil
	}
	b := d.buf[:n:n]
	d.buf = d.buf[n:]
	return b
}

// Text reads a string.
func (d *Decoder) Text() string { return string(d.Bytes(d.Uint())) }

// OptionalText reads a string that may not be there.
func (d *Decoder) OptionalText() *string {
	n := d.Uint()
	if n == 0 {
		return nil
	}
	s := string(d.Bytes(n - 1))
	return &s
}

// Value reads a JSON value, which may be nil.
func (d *Decoder) Value() *value.Value {
	n := d.Uint()
	if n == 0 {
		return nil
	}
	text := d.Bytes(n)
	if text == nil {
		return nil
	}
	return value.Trusted(text)
}

// Time reads a time.
func (d *Decoder) Time() time.Time {
	ms := d.Int()
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Duration reads a duration.
func (d *Decoder) Duration() time.Duration { return time.Duration(d.Int()) * time.Millisecond }
