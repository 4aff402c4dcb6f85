package cel

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

var timeFunctions = []function{
	{name: "now", signatures: []string{"() timestamp"}, do: func(r *run, _ []ref.Val) ref.Val {
		return types.Timestamp{Time: r.scope.Now.UTC()}
	}},
	{name: "formatTime", signatures: []string{"(timestamp, string) string", "(timestamp, string, string) string"}, do: formatTime},
	{name: "parseTime", signatures: []string{"(string, string) timestamp", "(string, string, string) timestamp"}, do: parseTime},
	{name: "unixSeconds", signatures: []string{"(timestamp) int"}, do: func(_ *run, args []ref.Val) ref.Val {
		t, ok := args[0].(types.Timestamp)
		if !ok {
			return types.NoSuchOverloadErr()
		}
		return types.Int(t.Unix())
	}},
	{name: "unixMillis", signatures: []string{"(timestamp) int"}, do: func(_ *run, args []ref.Val) ref.Val {
		t, ok := args[0].(types.Timestamp)
		if !ok {
			return types.NoSuchOverloadErr()
		}
		return types.Int(t.UnixMilli())
	}},
	{name: "fromUnixSeconds", signatures: []string{"(int) timestamp", "(double) timestamp"}, do: func(_ *run, args []ref.Val) ref.Val {
		return fromUnix(args[0], time.Second)
	}},
	{name: "fromUnixMillis", signatures: []string{"(int) timestamp", "(double) timestamp"}, do: func(_ *run, args []ref.Val) ref.Val {
		return fromUnix(args[0], time.Millisecond)
	}},
}

// What CEL's timestamps span: the years 1 to 9999.
var (
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
)

func timestamp(t time.Time) ref.Val {
	if t.Before(firstTime) || t.After(lastTime) {
		return newFault("a timestamp lies in the years 1 to 9999")
	}
	return types.Timestamp{Time: t.UTC()}
}

func fromUnix(v ref.Val, unit time.Duration) ref.Val {
	perSecond := int64(time.Second / unit)
	switch n := v.(type) {
	case types.Int:
		seconds, rest := int64(n)/perSecond, int64(n)%perSecond
		return timestamp(time.Unix(seconds, rest*int64(unit)))
	case types.Double:
		f := float64(n) / float64(perSecond)
		if !(f >= float64(firstTime.Unix()) && f <= float64(lastTime.Unix())) {
			return newFault("a timestamp lies in the years 1 to 9999")
		}
		seconds := int64(f)
		return timestamp(time.Unix(seconds, int64((f-float64(seconds))*1e9)))
	}
	return types.NoSuchOverloadErr()
}

// timeTokens are the parts of a layout, the longer of two with the same beginning first, and what package time calls
// them.
var timeTokens = []struct{ token, layout string }{
	{"YYYY", "2006"},
	{"YY", "06"},
	{"MMMM", "January"},
	{"MMM", "Jan"},
	{"MM", "01"},
	{"M", "1"},
	{"DDDD", "002"},
	{"DD", "02"},
	{"D", "2"},
	{"dddd", "Monday"},
	{"ddd", "Mon"},
	{"HH", "15"},
	{"hh", "03"},
	{"h", "3"},
	{"mm", "04"},
	{"m", "4"},
	{"ss", "05"},
	{"s", "5"},
	{"SSSSSSSSS", "000000000"},
	{"SSSSSS", "000000"},
	{"SSS", "000"},
	{"A", "PM"},
	{"a", "pm"},
	{"ZZ", "-0700"},
	{"Z", "Z07:00"},
}

// layoutPart is text that stands for itself, or one token.
type layoutPart struct {
	text  string
	token bool // text is a layout of package time
}

// parseLayout reads a layout such as "YYYY-MM-DD[T]HH:mm". Letters that are no token stand in brackets.
func parseLayout(layout string) ([]layoutPart, error) {
	var parts []layoutPart
next:
	for layout != "" {
		if layout[0] == '[' {
			text, rest, ok := strings.Cut(layout[1:], "]")
			if !ok {
				return nil, errors.New("a bracket in the layout is not closed")
			}
			parts = append(parts, layoutPart{text: text})
			layout = rest
			continue
		}
		for _, t := range timeTokens {
			if rest, ok := strings.CutPrefix(layout, t.token); ok {
				parts = append(parts, layoutPart{text: t.layout, token: true})
				layout = rest
				continue next
			}
		}
		if c := layout[0] | 0x20; c >= 'a' && c <= 'z' {
			return nil, fmt.Errorf("the layout has no token %q; text stands in brackets, as in YYYY-MM-DD[T]HH:mm", layout[:1])
		}
		parts = append(parts, layoutPart{text: layout[:1]})
		layout = layout[1:]
	}
	return parts, nil
}

// maxLayout is how many bytes a layout, or a time to be parsed, may have.
const maxLayout = 256

// timeArgs reads the layout and the zone that stand behind the first argument.
func timeArgs(args []ref.Val) ([]layoutPart, string, ref.Val) {
	layout, ok := args[1].(types.String)
	zone, okZone := types.String("UTC"), true
	if len(args) == 3 {
		zone, okZone = args[2].(types.String)
	}
	if !ok || !okZone {
		return nil, "", types.NoSuchOverloadErr()
	}
	if len(layout) > maxLayout {
		return nil, "", newFault("a layout has at most %d bytes", maxLayout)
	}
	parts, err := parseLayout(string(layout))
	if err != nil {
		return nil, "", newFault("%v", err)
	}
	return parts, string(zone), nil
}

// formatTime is formatTime(t, layout) and formatTime(t, layout, zone).
func formatTime(r *run, args []ref.Val) ref.Val {
	t, ok := args[0].(types.Timestamp)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	r.charge(20)
	parts, zone, failed := timeArgs(args)
	if failed != nil {
		return failed
	}
	offset, failed := zoneOffset(r, t.Time, zone)
	if failed != nil {
		return failed
	}
	local := t.In(time.FixedZone(zone, offset))
	var b strings.Builder
	for _, p := range parts {
		switch {
		case !p.token:
			b.WriteString(p.text)
		case strings.Trim(p.text, "0") == "": // package time knows fractions behind a point only
			b.WriteString(local.Format("." + p.text)[1:])
		default:
			b.WriteString(local.Format(p.text))
		}
	}
	return types.String(b.String())
}

// parseTime is parseTime(text, layout) and parseTime(text, layout, zone).
func parseTime(r *run, args []ref.Val) ref.Val {
	text, ok := args[0].(types.String)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	r.charge(20)
	parts, zone, failed := timeArgs(args)
	if failed != nil {
		return failed
	}
	if len(text) > maxLayout {
		return newFault("a time to be parsed has at most %d bytes", maxLayout)
	}
	layout, failed := goLayout(parts)
	if failed != nil {
		return failed
	}
	t, err := time.Parse(layout, string(text))
	if err != nil {
		return newFault("the time %s does not fit the layout %s", describe(text), describe(args[1]))
	}
	if strings.Contains(layout, "07") {
		return timestamp(t)
	}
	// The text is a wall clock's in the zone. The offset that holds there is found from that of a time nearby.
	offset, failed := zoneOffset(r, t, zone)
	if failed != nil {
		return failed
	}
	if offset, failed = zoneOffset(r, t.Add(-time.Duration(offset)*time.Second), zone); failed != nil {
		return failed
	}
	return timestamp(t.Add(-time.Duration(offset) * time.Second))
}

// goLayout makes a layout of package time. It knows no way to quote text, so text that it would take for a token is
// refused.
func goLayout(parts []layoutPart) (string, ref.Val) {
	var b strings.Builder
	for _, p := range parts {
		switch fraction := strings.Trim(p.text, "0") == ""; {
		case !p.token && strings.ContainsAny(p.text, "0123456789JMPpZ_"):
			return "", newFault("the text [%s] cannot stand in a layout for parsing", p.text)
		case p.token && fraction && !strings.HasSuffix(b.String(), "."):
			return "", newFault("a fraction of a second must follow a point in a layout for parsing")
		}
		b.WriteString(p.text)
	}
	return b.String(), nil
}

// zoneOffset gives how many seconds a zone is ahead of UTC at a time: of a named zone as cel-go knows it, and of a fixed
// one such as +02:00.
func zoneOffset(r *run, t time.Time, zone string) (int, ref.Val) {
	if zone == "UTC" || zone == "Z" || zone == "" {
		return 0, nil
	}
	r.charge(6 * zoneCost)
	ts := types.Timestamp{Time: t.UTC()}
	get := func(function string) (int, ref.Val) {
		f, ok := r.names.binding(function, nil)
		if !ok {
			return 0, types.NoSuchOverloadErr()
		}
		v := apply(f, function, []ref.Val{ts, types.String(zone)})
		n, ok := v.(types.Int)
		if !ok {
			return 0, newFault("%s is not a time zone: write a name such as Europe/Paris, or an offset such as +02:00", describe(types.String(zone)))
		}
		return int(n), nil
	}
	var wall [6]int
	for i, function := range []string{"getFullYear", "getMonth", "getDate", "getHours", "getMinutes", "getSeconds"} {
		n, failed := get(function)
		if failed != nil {
			return 0, failed
		}
		wall[i] = n
	}
	local := time.Date(wall[0], time.Month(wall[1]+1), wall[2], wall[3], wall[4], wall[5], 0, time.UTC)
	return int(local.Sub(t.UTC().Truncate(time.Second)) / time.Second), nil
}
