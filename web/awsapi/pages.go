package awsapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// A nextToken is where a list goes on, sealed: whoever has it can neither read a meaning into it nor make one up. It holds
// good for the same operation on the same things only. In bytes, base64url:
//
//	HMAC-SHA256 of operation, scope and place, cut to 16 bytes | place
const sealSize = 16

// defaultPage and maxPage bound the lists of the service.
const (
	defaultPage = 100
	maxPage     = 1000
)

// paging is the part of an input that all lists share.
type paging struct {
	size  int
	after string // the place in the list, "" for its beginning
	scope string
	a     *API
}

// page reads maxResults and nextToken. Scope names the list and what it is of.
func (a *API) page(maxResults *int, nextToken *string, scope ...string) (paging, error) {
	text, _ := json.Marshal(scope) //nolint:errchkjson // strings
	p := paging{size: defaultPage, scope: string(text), a: a}
	if maxResults != nil && *maxResults > 0 {
		p.size = min(*maxResults, maxPage)
	}
	if nextToken == nil {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(*nextToken)
	if err != nil || len(raw) <= sealSize || !hmac.Equal(raw[:sealSize], p.seal(string(raw[sealSize:]))) {
		return p, labelled("InvalidToken", "Invalid Token", "Invalid token")
	}
	p.after = string(raw[sealSize:])
	return p, nil
}

func (p paging) seal(place string) []byte {
	mac := hmac.New(sha256.New, p.a.eng.PageKey())
	_, _ = mac.Write([]byte(p.scope + "\x00" + place))
	return mac.Sum(nil)[:sealSize]
}

// next gives the token with which the list goes on behind a place.
func (p paging) next(place string) *string {
	token := base64.RawURLEncoding.EncodeToString(append(p.seal(place), place...))
	return &token
}

// cut cuts a list that was read with one entry more than the page has, and gives the token for the rest.
func cut[T any](p paging, list []T, place func(T) string) ([]T, *string) {
	if len(list) <= p.size {
		return list, nil
	}
	return list[:p.size], p.next(place(list[p.size-1]))
}
