// Package sigv4 verifies requests that are signed as AWS's clients sign them (Signature Version 4, in the Authorization header).
//
// The access key id is the id of a Tercel key; its secret access key is derived from the cluster's key and stored nowhere (package
// access). Any region is accepted unless one is configured, and session tokens are passed over. Errors are those of AWS.
//
// The host is part of what is signed: a proxy in front must pass the Host header on as the client sent it.
package sigv4

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/engine/access"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeLayout = "20060102T150405Z"
	dayLayout  = "20060102"
	maxSkew    = 15 * time.Minute
)

// Config is what a Verifier is made of. Only Access is required.
type Config struct {
	Access  *access.Control
	Service string           // that requests must be signed for; default states
	Region  string           // that requests must be signed for; "" means any
	Now     func() time.Time // default time.Now
}

// Verifier verifies signatures. It is safe for concurrent use.
type Verifier struct{ cfg Config }

// New makes a Verifier.
func New(cfg Config) *Verifier {
	cfg.Service = cmp.Or(cfg.Service, "states")
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Verifier{cfg}
}

// Verify tells who signed a request; body is the whole of its body, which the signature covers. Where no keys are required
// (`tercel dev`, and on loopback while there are none) every request is access.Local's, signed or not. On an error the principal
// is access.Nobody. What the principal may do is for the caller to check, with Principal.Require.
func (v *Verifier) Verify(r *http.Request, body []byte) (access.Principal, *Error) {
	if !v.cfg.Access.Required() {
		return access.Local(), nil
	}
	a, err := parse(r)
	if err == nil {
		err = v.checkScope(a)
	}
	if err == nil {
		err = v.checkTime(a)
	}
	if err != nil {
		return access.Nobody(), err
	}
	secret, principal, failed := v.cfg.Access.Credentials(r.Context(), a.keyID)
	if failed != nil {
		return access.Nobody(), credentialError(failed)
	}
	request, err := a.canonicalRequest(r, body)
	if err != nil {
		return access.Nobody(), err
	}
	if !hmac.Equal([]byte(a.sign(secret, request)), []byte(a.signature)) {
		return access.Nobody(), refuse(typeInvalidSignature, "The request signature we calculated does not match the signature you "+
			"provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return principal, nil
}

// credentialError gives what AWS says of a key that is not accepted.
func credentialError(err error) *Error {
	if refused, ok := errors.AsType[*access.UnauthenticatedError](err); ok {
		if refused.Reason == access.ReasonExpired {
			return refuse(typeExpiredToken, "The security token included in the request is expired")
		}
		return refuse(typeUnrecognizedClient, "The security token included in the request is invalid.")
	}
	return &Error{Type: "ServiceUnavailable", Message: err.Error(), Status: http.StatusServiceUnavailable}
}

// checkScope checks what the credential is scoped to.
func (v *Verifier) checkScope(a *authorization) *Error {
	switch {
	case a.terminator != terminator:
		return refuse(typeInvalidSignature, "Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, a.terminator)
	case a.service != v.cfg.Service:
		return refuse(typeInvalidSignature, "Credential should be scoped to correct service: '%s'.", v.cfg.Service)
	case v.cfg.Region != "" && a.region != v.cfg.Region:
		return refuse(typeInvalidSignature, "Credential should be scoped to a valid region, not '%s'.", a.region)
	case a.day != a.at.Format(dayLayout):
		return refuse(typeInvalidSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "+
			"'%s' != '%s', from '%s'.", a.day, a.at.Format(dayLayout), a.at.Format(timeLayout))
	default:
		return nil
	}
}

// checkTime refuses what was signed too long ago, so that a request cannot be used again for ever.
func (v *Verifier) checkTime(a *authorization) *Error {
	now := v.cfg.Now().UTC()
	switch {
	case a.at.Before(now.Add(-maxSkew)):
		return refuse(typeInvalidSignature, "Signature expired: %s is now earlier than %s (%s - 15 min.)",
			a.at.Format(timeLayout), now.Add(-maxSkew).Format(timeLayout), now.Format(timeLayout))
	case a.at.After(now.Add(maxSkew)):
		return refuse(typeInvalidSignature, "Signature not yet current: %s is still later than %s (%s + 15 min.)",
			a.at.Format(timeLayout), now.Add(maxSkew).Format(timeLayout), now.Format(timeLayout))
	default:
		return nil
	}
}

// authorization is the Authorization header, read.
type authorization struct {
	keyID, day, region, service, terminator string // of Credential
	headers                                 []string
	signature                               string
	at                                      time.Time
	stamp                                   string // at, as it is signed
}

// parse reads the Authorization header and the time of a request.
func parse(r *http.Request) (*authorization, *Error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 || strings.TrimSpace(values[0]) == "" {
		return nil, refuse(typeMissingToken, "Missing Authentication Token")
	}
	if len(values) > 1 {
		return nil, incomplete("there is more than one Authorization header")
	}
	kind, rest, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	if kind != algorithm {
		return nil, incomplete("the Authorization header must begin with '%s'", algorithm)
	}
	a := &authorization{}
	if err := a.parseParameters(rest); err != nil {
		return nil, err
	}
	if !slices.Contains(a.headers, "host") {
		return nil, refuse(typeInvalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	// What says which operation it is must not be exchanged for something else.
	if r.Header.Get("X-Amz-Target") != "" && !slices.Contains(a.headers, "x-amz-target") {
		return nil, refuse(typeInvalidSignature, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if err := a.parseTime(r); err != nil {
		return nil, err
	}
	return a, nil
}

// parseParameters reads Credential, SignedHeaders and Signature.
func (a *authorization) parseParameters(text string) *Error {
	found := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := found[name]; !ok || twice {
			return incomplete("'%s' is not a valid key=value pair (missing equal-sign, or twice) in Authorization header", name)
		}
		found[name] = value
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if found[name] == "" {
			return incomplete("Authorization header requires '%s' parameter", name)
		}
	}
	scope := strings.Split(found["Credential"], "/")
	if len(scope) != 5 {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term")
	}
	a.keyID, a.day, a.region, a.service, a.terminator = scope[0], scope[1], scope[2], scope[3], scope[4]
	a.signature = found["Signature"]
	a.headers = strings.Split(strings.ToLower(found["SignedHeaders"]), ";")
	sorted := slices.Clone(a.headers)
	slices.Sort(sorted)
	if slices.Contains(sorted, "") || len(slices.Compact(sorted)) != len(a.headers) {
		return incomplete("SignedHeaders must name each header once")
	}
	return nil
}

// parseTime reads when the request was signed. The header that says so must be signed.
func (a *authorization) parseTime(r *http.Request) *Error {
	name, text := "x-amz-date", r.Header.Get("X-Amz-Date")
	if text == "" {
		name, text = "date", r.Header.Get("Date")
	}
	if text == "" {
		return incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header")
	}
	at, err := time.Parse(timeLayout, text)
	if err != nil && name == "date" {
		at, err = http.ParseTime(text)
	}
	if err != nil {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '%s'", shorten(text))
	}
	if !slices.Contains(a.headers, name) {
		return refuse(typeInvalidSignature, "'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
	}
	a.at = at.UTC()
	a.stamp = a.at.Format(timeLayout)
	return nil
}

// sign gives the signature that the request should have.
func (a *authorization) sign(secret, canonicalRequest string) string {
	hash := sha256.Sum256([]byte(canonicalRequest))
	scope := strings.Join([]string{a.day, a.region, a.service, a.terminator}, "/")
	text := strings.Join([]string{algorithm, a.stamp, scope, hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.day, a.region, a.service, a.terminator, text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// shorten bounds what a message repeats of a request.
func shorten(text string) string {
	if len(text) > 64 {
		return fmt.Sprintf("%.64s...", text)
	}
	return text
}
