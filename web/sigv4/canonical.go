package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest gives the text whose hash the client has signed: the method, the path, the query, the headers that it names, and
// the hash of the body, each in one form whatever the form in which they travelled.
func (a *authorization) canonicalRequest(r *http.Request, body []byte) (string, *Error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "", incomplete("the query is not properly escaped")
	}
	var text strings.Builder
	text.WriteString(r.Method + "\n" + canonicalPath(r.URL) + "\n" + canonicalQuery(query) + "\n")
	for _, name := range a.headers {
		value, ok := headerValue(r, name)
		if !ok {
			return "", refuse(typeInvalidSignature, "'%s' is a 'SignedHeader' in the AWS Authorization, but the request has no such header.",
				shorten(name))
		}
		text.WriteString(name + ":" + value + "\n")
	}
	hash := sha256.Sum256(body)
	text.WriteString("\n" + strings.Join(a.headers, ";") + "\n" + hex.EncodeToString(hash[:]))
	return text.String(), nil
}

// canonicalPath gives the path, escaped once more than it travelled, as all services but S3 have it.
func canonicalPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	return escape(path, true)
}

// canonicalQuery gives the parameters, escaped and then sorted.
func canonicalQuery(query url.Values) string {
	var pairs [][2]string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, [2]string{escape(name, false), escape(value, false)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	var text strings.Builder
	for i, p := range pairs {
		if i > 0 {
			text.WriteByte('&')
		}
		text.WriteString(p[0] + "=" + p[1])
	}
	return text.String()
}

// escape escapes all bytes but the unreserved ones of RFC 3986 and, in a path, the slash.
func escape(text string, path bool) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0, path && c == '/':
			out.WriteByte(c)
		default:
			out.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return out.String()
}

// headerValue gives what a header says, its values joined and runs of spaces made one. net/http keeps some headers apart.
func headerValue(r *http.Request, name string) (string, bool) {
	if name == "host" {
		return strings.TrimSpace(r.Host), r.Host != ""
	}
	values := r.Header.Values(name)
	if len(values) == 0 && name == "content-length" && r.ContentLength >= 0 {
		return strconv.FormatInt(r.ContentLength, 10), true
	}
	cleaned := make([]string, len(values))
	for i, v := range values {
		cleaned[i] = strings.Join(strings.FieldsFunc(v, func(c rune) bool { return c == ' ' || c == '\t' }), " ")
	}
	return strings.Join(cleaned, ","), len(values) > 0
}
