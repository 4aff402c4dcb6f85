package jsonata

import "time"

var timeFunctions = []definition{
	{"now", "<s?s?:s>", func(r *run, args []any) any {
		picture, ok := asText(args[0])
		if !ok {
			picture = isoPicture
		}
		zone, _ := asText(args[1])
		return r.made(r.formatDate(millis(r.now), picture, zone))
	}},
	{"millis", "<:n>", func(r *run, _ []any) any { return millis(r.now) }},
	{"fromMillis", "<n-s?s?:s>", func(r *run, args []any) any {
		f, ok := asNumber(args[0])
		if !ok {
			return nil
		}
		picture, ok := asText(args[1])
		if !ok {
			picture = isoPicture
		}
		zone, _ := asText(args[2])
		return r.made(r.formatDate(f, picture, zone))
	}},
	{"toMillis", "<s-s?:n>", func(r *run, args []any) any {
		s, ok := asText(args[0])
		if !ok {
			return nil
		}
		if picture, ok := asText(args[1]); ok {
			if f, ok := r.parseDate(s, picture); ok {
				return f
			}
			return nil
		}
		f, ok := parseISO(s)
		if !ok {
			r.fail("D3110", s)
		}
		return f
	}},
}

func millis(t time.Time) float64 { return float64(t.UnixMilli()) }
