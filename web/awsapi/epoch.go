package awsapi

import (
	"strconv"
	"time"
)

// epoch is a time as the service's JSON has it: seconds since 1970, with milliseconds as a fraction.
type epoch time.Time

// MarshalJSON implements json.Marshaler.
func (e epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(e).UnixMilli())/1000, 'f', -1, 64), nil
}

// since gives a time that may be absent.
func since(t *time.Time) *epoch {
	if t == nil || t.IsZero() {
		return nil
	}
	e := epoch(*t)
	return &e
}
