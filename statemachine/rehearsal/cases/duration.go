package cases

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// units are those of durations, the longer one of two that begin alike first.
var units = []struct {
	name string
	unit time.Duration
}{
	{"ms", time.Millisecond},
	{"s", time.Second},
	{"m", time.Minute},
	{"h", time.Hour},
	{"d", 24 * time.Hour},
	{"w", 7 * 24 * time.Hour},
}

// ParseDuration reads a duration that is not negative: one or more numbers with a unit each, ms, s, m, h, d or w, such
// as 1h30m or 2d. The longest is 100 years.
func ParseDuration(text string) (time.Duration, error) {
	const longest = 100 * 365.25 * 24 * float64(time.Hour)
	if text == "" {
		return 0, errDuration
	}
	total := 0.0
	for text != "" {
		n := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n <= 0 {
			return 0, errDuration
		}
		number, err := strconv.ParseFloat(text[:n], 64)
		if err != nil {
			return 0, errDuration
		}
		text = text[n:]
		found := false
		for _, u := range units {
			if rest, ok := strings.CutPrefix(text, u.name); ok {
				total += number * float64(u.unit)
				text, found = rest, true
				break
			}
		}
		if !found || total > longest {
			return 0, errDuration
		}
	}
	return time.Duration(math.Round(total)), nil
}
