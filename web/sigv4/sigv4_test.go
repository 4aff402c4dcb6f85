package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web/sigv4"
)

// door is a verifier with a key that it knows.
type door struct {
	t       testing.TB
	control *access.Control
	key     access.Created
	now     time.Time
	config  sigv4.Config
}

func newDoor(t testing.TB) *door {
	t.Helper()
	d := &door{t: t, now: time.Date(2026, 3, 4, 23, 59, 30, 0, time.UTC)}
	d.control = access.New(access.Config{Store: storetest.Open(t), Exposed: true})
	if err := d.control.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.control.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	d.key = d.make(access.NewKey{Name: "sdk", Scopes: []access.Scope{access.Run}})
	d.config = sigv4.Config{Access: d.control, Now: func() time.Time { return d.now }}
	return d
}

func (d *door) make(n access.NewKey) access.Created {
	d.t.Helper()
	made, err := d.control.Create(d.t.Context(), n)
	if err != nil {
		d.t.Fatal(err)
	}
	return made
}

// signing is how a request is signed.
type signing struct {
	key, secret, token string
	service, region    string
	at                 time.Time
	method, target     string
	body               string
	header             http.Header
}

func (d *door) signing() signing {
	return signing{
		key: d.key.ID, secret: d.key.AWSSecret, service: "states", region: "us-east-1", at: d.now, method: http.MethodPost,
		target: "http://localhost:8083/", body: `{"stateMachineArn": "x"}`,
		header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"AWSStepFunctions.StartExecution"}},
	}
}

// request gives a request that AWS's own signer has signed, as a server gets it.
func (s signing) request(t testing.TB) (*http.Request, []byte) {
	t.Helper()
	out, err := http.NewRequestWithContext(t.Context(), s.method, s.target, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	out.Header = s.header.Clone()
	hash := sha256.Sum256([]byte(s.body))
	credentials := aws.Credentials{AccessKeyID: s.key, SecretAccessKey: s.secret, SessionToken: s.token}
	err = v4.NewSigner().SignHTTP(t.Context(), credentials, out, hex.EncodeToString(hash[:]), s.service, s.region, s.at)
	if err != nil {
		t.Fatal(err)
	}
	var wire bytes.Buffer
	if err := out.Write(&wire); err != nil {
		t.Fatal(err)
	}
	in, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return in.WithContext(t.Context()), []byte(s.body)
}

// TestSignedByTheSDK verifies what AWS's signer has signed.
func TestSignedByTheSDK(t *testing.T) {
	d := newDoor(t)
	v := sigv4.New(d.config)
	for name, change := range map[string]func(*signing){
		"as clients do":       func(*signing) {},
		"another region":      func(s *signing) { s.region = "eu-central-1" },
		"a session token":     func(s *signing) { s.token = "FwoGZXIvYXdzEXAMPLE//==" },
		"no body":             func(s *signing) { s.body = "" },
		"a large body":        func(s *signing) { s.body = strings.Repeat("x", 1<<20) },
		"14 minutes ago":      func(s *signing) { s.at = s.at.Add(-14 * time.Minute) },
		"in 14 minutes":       func(s *signing) { s.at = s.at.Add(14 * time.Minute) }, // another day
		"spaces in a header":  func(s *signing) { s.header.Set("X-Amz-Meta-A", "  a   b  ") },
		"a header twice":      func(s *signing) { s.header["X-Amz-Meta-A"] = []string{"a", "b"} },
		"a header of its own": func(s *signing) { s.header.Set("Amz-Sdk-Invocation-Id", "1") },
		"a path and a query": func(s *signing) {
			s.method, s.target = http.MethodGet, "http://[::1]:80/a%20b/%C3%BC/c+d?z=1&a=%2F&a=-&b=x+y&B&ü=%7E*"
		},
	} {
		s := d.signing()
		change(&s)
		r, body := s.request(t)
		p, err := v.Verify(r, body)
		if err != nil || p.Name != "sdk" || p.KeyID != d.key.ID || !p.Can(access.Run) || p.Can(access.Deploy) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// TestAltered alters each part of a signed request.
func TestAltered(t *testing.T) {
	d := newDoor(t)
	v := sigv4.New(d.config)
	set := func(name, value string) func(*http.Request, *[]byte) {
		return func(r *http.Request, _ *[]byte) { r.Header.Set(name, value) }
	}
	authorization := func(old, changed string) func(*http.Request, *[]byte) {
		return func(r *http.Request, _ *[]byte) {
			text := r.Header.Get("Authorization")
			if !strings.Contains(text, old) {
				t.Fatalf("no %s in %s", old, text)
			}
			r.Header.Set("Authorization", strings.Replace(text, old, changed, 1))
		}
	}
	for name, test := range map[string]struct {
		change func(*http.Request, *[]byte)
		want   string
	}{
		"the body":             {func(_ *http.Request, b *[]byte) { (*b)[3] ^= 1 }, "InvalidSignatureException"},
		"a longer body":        {func(_ *http.Request, b *[]byte) { *b = append(*b, ' ') }, "InvalidSignatureException"},
		"the operation":        {set("X-Amz-Target", "AWSStepFunctions.DeleteStateMachine"), "InvalidSignatureException"},
		"the content type":     {set("Content-Type", "text/plain"), "InvalidSignatureException"},
		"the time":             {set("X-Amz-Date", "20260304T235931Z"), "InvalidSignatureException"},
		"the day":              {set("X-Amz-Date", "20260305T000000Z"), "InvalidSignatureException"},
		"the method":           {func(r *http.Request, _ *[]byte) { r.Method = "PUT" }, "InvalidSignatureException"},
		"the host":             {func(r *http.Request, _ *[]byte) { r.Host = "example.com" }, "InvalidSignatureException"},
		"the path":             {func(r *http.Request, _ *[]byte) { r.URL.Path = "/x" }, "InvalidSignatureException"},
		"the query":            {func(r *http.Request, _ *[]byte) { r.URL.RawQuery = "x=1" }, "InvalidSignatureException"},
		"a broken query":       {func(r *http.Request, _ *[]byte) { r.URL.RawQuery = "x=%" }, "IncompleteSignatureException"},
		"a signed header gone": {func(r *http.Request, _ *[]byte) { r.Header.Del("Content-Type") }, "InvalidSignatureException"},
		"the region":           {authorization("/us-east-1/", "/us-east-2/"), "InvalidSignatureException"},
		"the signature":        {authorization("Signature=", "Signature=0"), "InvalidSignatureException"},
		"the service":          {authorization("/states/", "/sqs/"), "InvalidSignatureException"},
		"the terminator":       {authorization("/aws4_request", "/aws5_request"), "InvalidSignatureException"},
		"the key":              {authorization(d.key.ID, "TKIAAAAAAAAAAAAAAAAA"), "UnrecognizedClientException"},
		"host not signed":      {authorization(";host;", ";"), "InvalidSignatureException"},
		"operation not signed": {authorization(";x-amz-target", ""), "InvalidSignatureException"},
		"time not signed":      {authorization(";x-amz-date", ""), "InvalidSignatureException"},
		"a header twice":       {authorization(";host;", ";host;host;"), "IncompleteSignatureException"},
		"no signature":         {authorization(", Signature=", ", Sign="), "IncompleteSignatureException"},
		"an empty signature":   {func(r *http.Request, _ *[]byte) { cutAfter(r, "Signature=") }, "IncompleteSignatureException"},
		"no scope":             {authorization("/us-east-1/", "/"), "IncompleteSignatureException"},
		"no time":              {func(r *http.Request, _ *[]byte) { r.Header.Del("X-Amz-Date") }, "IncompleteSignatureException"},
		"no such time":         {set("X-Amz-Date", "yesterday"), "IncompleteSignatureException"},
		"another algorithm":    {authorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), "IncompleteSignatureException"},
		"a bearer":             {set("Authorization", "Bearer "+d.key.Secret), "IncompleteSignatureException"},
		"two signatures": {
			func(r *http.Request, _ *[]byte) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, "IncompleteSignatureException",
		},
		"no signature at all": {func(r *http.Request, _ *[]byte) { r.Header.Del("Authorization") }, "MissingAuthenticationTokenException"},
	} {
		r, body := d.signing().request(t)
		test.change(r, &body)
		p, err := v.Verify(r, body)
		if err == nil || err.Type != test.want || err.Status != http.StatusBadRequest || err.Message == "" || p.Name != access.Anonymous || len(p.Scopes) > 0 {
			t.Errorf("%s: %+v, %v; want %s", name, p, err, test.want)
		}
	}
}

// cutAfter cuts the Authorization header.
func cutAfter(r *http.Request, mark string) {
	before, _, _ := strings.Cut(r.Header.Get("Authorization"), mark)
	r.Header.Set("Authorization", before+mark)
}

// TestWrongCredentials signs properly with what is no good key, at the wrong time, and for other places.
func TestWrongCredentials(t *testing.T) {
	d := newDoor(t)
	other := d.make(access.NewKey{Name: "other", Scopes: []access.Scope{access.Run}})
	brief := d.make(access.NewKey{Name: "brief", Scopes: []access.Scope{access.Run}, Expires: time.Nanosecond})
	gone := d.make(access.NewKey{Name: "gone", Scopes: []access.Scope{access.Run}})
	if _, err := d.control.Revoke(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	config := d.config
	config.Region = "eu-west-1"
	for name, test := range map[string]struct {
		change func(*signing)
		want   string
	}{
		"the secret of another key": {func(s *signing) { s.secret = other.AWSSecret }, "InvalidSignatureException"},
		"the bearer's secret":       {func(s *signing) { s.secret = d.key.Secret }, "InvalidSignatureException"},
		"no such key":               {func(s *signing) { s.key = "AKIDEXAMPLE" }, "UnrecognizedClientException"},
		"expired":                   {func(s *signing) { s.key, s.secret = brief.ID, brief.AWSSecret }, "ExpiredTokenException"},
		"revoked":                   {func(s *signing) { s.key, s.secret = gone.ID, gone.AWSSecret }, "UnrecognizedClientException"},
		"16 minutes ago":            {func(s *signing) { s.at = s.at.Add(-16 * time.Minute) }, "InvalidSignatureException"},
		"in 16 minutes":             {func(s *signing) { s.at = s.at.Add(16 * time.Minute) }, "InvalidSignatureException"},
		"for another service":       {func(s *signing) { s.service = "sns" }, "InvalidSignatureException"},
		"for another region":        {func(s *signing) { s.region = "us-west-1" }, "InvalidSignatureException"},
	} {
		s := d.signing()
		s.region = "eu-west-1"
		test.change(&s)
		r, body := s.request(t)
		if p, err := sigv4.New(config).Verify(r, body); err == nil || err.Type != test.want || p.Name != access.Anonymous {
			t.Errorf("%s: %+v, %v; want %s", name, p, err, test.want)
		}
	}
}

// TestOpenDoor checks that a server that asks for no keys takes any signature, and none.
func TestOpenDoor(t *testing.T) {
	control := access.New(access.Config{Store: storetest.Open(t), Open: true})
	if err := control.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer control.Close(t.Context())
	v := sigv4.New(sigv4.Config{Access: control})
	for _, header := range []string{"", "AWS4-HMAC-SHA256 Credential=test", "nonsense"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
		r.Header.Set("Authorization", header)
		if p, err := v.Verify(r, nil); err != nil || p.Name != access.Loopback || !p.Can(access.Admin) {
			t.Errorf("%q: %+v, %v", header, p, err)
		}
	}
}

// FuzzVerify gives the verifier requests of any form: it never lets one in that AWS's signer would sign otherwise.
func FuzzVerify(f *testing.F) {
	d := newDoor(f)
	v := sigv4.New(d.config)
	r, body := d.signing().request(f)
	f.Add(r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date"), "/", "", r.Header.Get("X-Amz-Target"), string(body))
	f.Add("AWS4-HMAC-SHA256 Credential="+d.key.ID+"/20260304/a/states/aws4_request, SignedHeaders=host;x-amz-date, Signature=00",
		"20260304T235930Z", "/a%2Fb", "x=%zz&y", "", "{}")
	f.Add("AWS4-HMAC-SHA256 ,,=,", "Wed, 04 Mar 2026 23:59:30 GMT", "//", "&&==", "", "")
	good := r.Header.Get("Authorization")
	f.Fuzz(func(t *testing.T, authorization, date, path, query, target, text string) {
		r := &http.Request{
			Method: http.MethodPost, Host: "localhost:8083", Header: http.Header{}, URL: &url.URL{Path: path, RawQuery: query},
			ContentLength: int64(len(text)),
		}
		r = r.WithContext(t.Context())
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		r.Header.Set("X-Amz-Target", target)
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		p, err := v.Verify(r, []byte(text))
		if (err == nil) != (p.KeyID != "") {
			t.Errorf("%+v with %v", p, err)
		}
		if err == nil && (authorization != good && !strings.Contains(authorization, strings.TrimSpace(good[len(good)-64:])) || text != string(body)) {
			t.Errorf("a forged request was let in: %q", authorization)
		}
		if err != nil && (err.Status != http.StatusBadRequest || err.Type == "" || err.Message == "") {
			t.Errorf("answered with %+v", err)
		}
	})
}
