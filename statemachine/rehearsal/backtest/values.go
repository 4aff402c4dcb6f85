package backtest

import (
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/statemachine/rehearsal/cases"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// unlike tells where a value first differs from the recorded one, "" if it does not. What differs between two replays
// comes of the clock or of chance, and is passed over; again is nil if there is no second one.
func unlike(now, before, again *value.Value, at string) string {
	switch {
	case now == nil && before == nil:
		return ""
	case now == nil || before == nil:
		return where(at) + excerpt(now) + ", in the record " + excerpt(before)
	case cases.Equal(now, before):
		return ""
	}
	if now.Kind() == before.Kind() {
		same := again != nil && again.Kind() == now.Kind()
		switch {
		case now.Kind() == value.Object:
			if !same {
				again = nil
			}
			return unlikeObject(now, before, again, at)
		case now.Kind() == value.Array && now.Len() == before.Len():
			for i := range now.Len() {
				var other *value.Value
				if same && again.Len() == now.Len() {
					other = again.At(i)
				}
				if text := unlike(now.At(i), before.At(i), other, at+"/"+strconv.Itoa(i)); text != "" {
					return text
				}
			}
			return ""
		}
	}
	if again != nil && !cases.Equal(now, again) {
		return ""
	}
	return where(at) + excerpt(now) + ", in the record " + excerpt(before)
}

func unlikeObject(now, before, again *value.Value, at string) string {
	member := func(key string) string {
		var other *value.Value
		if again != nil {
			other = again.Get(key)
		}
		return unlike(now.Get(key), before.Get(key), other, at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
	}
	for _, key := range now.Keys() {
		if text := member(key); text != "" {
			return text
		}
	}
	for _, key := range before.Keys() {
		if now.Get(key) == nil {
			return member(key)
		}
	}
	return ""
}

func where(at string) string {
	if at == "" {
		return ""
	}
	return at + " is "
}

// excerpt shows a value, or the beginning of a long one.
func excerpt(v *value.Value) string {
	const most = 100
	if v == nil {
		return "absent"
	}
	text := []rune(v.String())
	if len(text) > most {
		return string(text[:most-1]) + "…"
	}
	return string(text)
}
