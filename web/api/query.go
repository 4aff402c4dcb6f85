package api

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// The bounds of a page.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

var namespacePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// namespace gives the namespace that a request is about: that of the header, else of the query, else the only one that its
// key is for.
func namespace(r *http.Request) (string, error) {
	name := r.Header.Get(wire.NamespaceHeader)
	if name == "" {
		name = r.URL.Query().Get("namespace")
	}
	if name == "" {
		p, _ := access.From(r.Context())
		return cmp.Or(p.Home(), engine.DefaultNamespace), nil
	}
	if !namespacePattern.MatchString(name) {
		return "", refuse(http.StatusBadRequest, string(engine.CodeInvalidName),
			"%q is no name of a namespace: letters, digits, '.', '_' and '-', at most 63, beginning with a letter or digit", name)
	}
	return name, nil
}

// pathParam gives a part of the path, decoded.
func pathParam(r *http.Request, name string) (string, error) {
	text := chi.URLParam(r, name)
	if r.URL.RawPath != "" { // then chi has matched the path as it was sent
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return "", invalid("the path is not properly escaped: %v", err)
		}
		text = decoded
	}
	return text, checkParam(name, text)
}

// checkParam refuses what no name is and no database stores.
func checkParam(name, text string) error {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return invalid("%s holds characters that no name has", name)
	}
	if len(text) > 1024 {
		return invalid("%s is longer than 1,024 bytes", name)
	}
	return nil
}

// params reads the query of a request. The first thing wrong is kept in err.
type params struct {
	query url.Values
	err   error
}

// query gives the parameters of a request and refuses those that are not among known.
func query(r *http.Request, known ...string) *params {
	values, err := url.ParseQuery(r.URL.RawQuery)
	p := &params{query: values}
	if err != nil {
		p.err = invalid("the query is not properly escaped: %v", err)
		return p
	}
	known = append(known, "namespace")
	for name, list := range values {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			p.err = invalid("there is no parameter %q here%s; the parameters are %s", name, didYouMean(name, known),
				strings.Join(known, ", "))
			return p
		}
		for _, text := range list {
			if err := checkParam("the parameter "+name, text); err != nil {
				p.err = err
				return p
			}
		}
	}
	return p
}

func (p *params) text(name string) string { return p.query.Get(name) }

func (p *params) flag(name string) bool {
	switch text := p.text(name); text {
	case "", "false", "0":
		return p.query.Has(name) && text == ""
	case "true", "1":
		return true
	default:
		p.fail("the parameter %s is %q, but must be true or false", name, text)
		return false
	}
}

// limit gives the size of a page.
func (p *params) limit() int {
	text := p.text("limit")
	if text == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		p.fail("the parameter limit is %q, but must be a number from 1 to %d", text, maxLimit)
		return defaultLimit
	}
	return n
}

// moment gives a time, zero if absent.
func (p *params) moment(name string) time.Time {
	text := p.text(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.fail("the parameter %s is %q, but must be a time such as 2026-01-31T12:00:00Z (RFC 3339)", name, text)
		return time.Time{}
	}
	if y := t.Year(); y < 1 || y > 9999 {
		p.fail("the parameter %s lies outside of the years 1 to 9999", name)
		return time.Time{}
	}
	return t
}

// span gives a duration of at most limit.
func (p *params) span(name string, otherwise, limit time.Duration) time.Duration {
	text := p.text(name)
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	if seconds, e := strconv.Atoi(text); e == nil && seconds >= 0 && seconds <= int(limit.Seconds()) {
		d, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || d < 0 || d > limit {
		p.fail("the parameter %s is %q, but must be a duration from 0s to %s, such as 30s", name, text, limit)
		return otherwise
	}
	return d
}

// statusNames are the statuses that executions can be listed by.
var statusNames = []string{
	string(engine.Running), string(engine.Succeeded), string(engine.Failed), string(engine.TimedOut),
	string(engine.Aborted), string(engine.PendingRedrive),
}

// statuses gives the statuses asked for, repeated or separated by commas.
func (p *params) statuses() []engine.Status {
	var out []engine.Status
	for _, list := range p.query["status"] {
		for text := range strings.SplitSeq(list, ",") {
			name := strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(text), "-", "_"))
			known := false
			for _, s := range statusNames {
				known = known || s == name
			}
			if !known {
				p.fail("there is no status %q%s; the statuses are %s", text, didYouMean(name, statusNames),
					strings.Join(statusNames, ", "))
				return nil
			}
			out = append(out, engine.Status(name))
		}
	}
	return out
}

func (p *params) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid(format, args...)
	}
}

// didYouMean gives a question to put behind an unknown name, or nothing.
func didYouMean(name string, known []string) string {
	if k := diag.Closest(name, known); k != "" {
		return "; did you mean " + strconv.Quote(k) + "?"
	}
	return ""
}
