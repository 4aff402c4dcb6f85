package invoke

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// ConnectionConfig says how calls of http:invoke prove who they are: exactly one of Basic, APIKey and OAuth, and what else
// goes with each call. It holds the names of secrets, never secrets; see Secrets.
type ConnectionConfig struct {
	Basic  *BasicAuth  `json:"basic,omitempty" yaml:"basic,omitempty"`
	APIKey *APIKeyAuth `json:"api_key,omitempty" yaml:"api_key,omitempty"`
	OAuth  *OAuth      `json:"oauth,omitempty" yaml:"oauth,omitempty"`

	Headers map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`
	Query   map[string]string `json:"query,omitempty" yaml:"query,omitempty"`
	Body    map[string]string `json:"body,omitempty" yaml:"body,omitempty"`

	// Hosts are those that the connection may be used with, such as api.example.com or *.example.com; none: any.
	Hosts []string `json:"hosts,omitempty" yaml:"hosts,omitempty"`
}

// BasicAuth is a name and a password.
type BasicAuth struct {
	Username       string `json:"username" yaml:"username"`
	PasswordSecret string `json:"password_secret" yaml:"password_secret"` // the name of the secret
}

// APIKeyAuth is a header with a key.
type APIKeyAuth struct {
	Header      string `json:"header" yaml:"header"`
	Prefix      string `json:"prefix,omitempty" yaml:"prefix,omitempty"` // before the key, such as "Bearer "
	ValueSecret string `json:"value_secret" yaml:"value_secret"`         // the name of the secret
}

// OAuth is OAuth 2.0 with client credentials: a token is fetched, kept while it is good, and sent as a bearer token.
type OAuth struct {
	TokenURL           string            `json:"token_url" yaml:"token_url"`
	Method             string            `json:"method,omitempty" yaml:"method,omitempty"` // POST (the default), GET or PUT
	ClientID           string            `json:"client_id" yaml:"client_id"`
	ClientSecretSecret string            `json:"client_secret_secret" yaml:"client_secret_secret"` // the name of the secret
	Headers            map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`
	Query              map[string]string `json:"query,omitempty" yaml:"query,omitempty"`
	Body               map[string]string `json:"body,omitempty" yaml:"body,omitempty"` // besides grant_type, such as scope
}

// Check says what is wrong with the configuration.
func (c *ConnectionConfig) Check() error {
	kinds := 0
	var err error
	if c.Basic != nil {
		kinds++
		err = errors.Join(required("basic.username", c.Basic.Username), checkSecretName("basic.password_secret", c.Basic.PasswordSecret))
	}
	if c.APIKey != nil {
		kinds++
		err = errors.Join(err, required("api_key.header", c.APIKey.Header), checkSecretName("api_key.value_secret", c.APIKey.ValueSecret),
			checkHeaders(map[string]string{c.APIKey.Header: c.APIKey.Prefix}))
	}
	if c.OAuth != nil {
		kinds++
		err = errors.Join(err, c.OAuth.check())
	}
	if kinds != 1 {
		return errors.New("give exactly one of basic, api_key and oauth")
	}
	return errors.Join(err, checkHeaders(c.Headers))
}

func (o *OAuth) check() error {
	u, err := url.Parse(o.TokenURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		err = fmt.Errorf("oauth.token_url is %q, but must be a URL", o.TokenURL)
	}
	switch o.Method {
	case "", http.MethodPost, http.MethodGet, http.MethodPut:
	default:
		err = errors.Join(err, fmt.Errorf("oauth.method is %q, but must be POST, GET or PUT", o.Method))
	}
	return errors.Join(err, required("oauth.client_id", o.ClientID), checkSecretName("oauth.client_secret_secret", o.ClientSecretSecret),
		checkHeaders(o.Headers))
}

func required(name, text string) error {
	if text == "" {
		return fmt.Errorf("%s is missing", name)
	}
	return nil
}

func checkHeaders(headers map[string]string) error {
	for k, v := range headers {
		if k == "" || strings.ContainsAny(k, " \t\r\n:") || strings.ContainsAny(v, "\r\n") {
			return fmt.Errorf("header %q has a name or a value that HTTP does not allow", k)
		}
	}
	return nil
}

var secretName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

func checkSecretName(field, name string) error {
	if !secretName.MatchString(name) {
		return fmt.Errorf("%s is %q, but must be the name of a secret: letters, digits, '-' and '_'", field, name)
	}
	return nil
}

// Secrets finds secrets by their names: the variable TERCEL_SECRET_<NAME> in the environment, with '-' as '_' and in
// capitals, or a file of that name in a folder. Nothing else of the environment or the disk can be named.
type Secrets struct {
	Getenv func(string) string
	Dir    string // "" for no folder
}

// Find gives a secret.
func (s Secrets) Find(name string) (string, error) {
	if err := checkSecretName("the secret", name); err != nil {
		return "", err
	}
	variable := "TERCEL_SECRET_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	if s.Getenv != nil {
		if text := s.Getenv(variable); text != "" {
			return text, nil
		}
	}
	if s.Dir != "" {
		text, err := os.ReadFile(filepath.Join(s.Dir, name))
		if err == nil {
			return strings.TrimRight(string(text), "\r\n"), nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("reading the secret %s: %w", name, err)
		}
	}
	return "", fmt.Errorf("there is no secret %s on this node; set %s, or give a folder of secrets with --secrets-dir", name, variable)
}

// tokens keeps the tokens that OAuth gave, by what they were asked with.
type tokens struct {
	mu   sync.Mutex
	kept map[string]token
}

type token struct {
	text string
	good time.Time // until then
}

// tokenMargin is how long before its end a token is not used any more.
const tokenMargin = 30 * time.Second

// maxTokens bounds how many tokens are kept.
const maxTokens = 1000

func (t *tokens) get(key string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found, ok := t.kept[key]; ok && time.Now().Before(found.good) {
		return found.text
	}
	return ""
}

func (t *tokens) put(key, text string, life time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil || len(t.kept) >= maxTokens {
		t.kept = map[string]token{}
	}
	t.kept[key] = token{text, time.Now().Add(life - tokenMargin)}
}

func (t *tokens) drop(key string) {
	t.mu.Lock()
	delete(t.kept, key)
	t.mu.Unlock()
}

// credentials adds to a request what the connection says. The key names its token, if it has one.
func (e *Endpoint) credentials(ctx context.Context, c *ConnectionConfig, req *http.Request) (key string, err error) {
	switch {
	case c.Basic != nil:
		password, err := e.Secrets.Find(c.Basic.PasswordSecret)
		if err != nil {
			return "", err
		}
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.Basic.Username+":"+password)))
	case c.APIKey != nil:
		secret, err := e.Secrets.Find(c.APIKey.ValueSecret)
		if err != nil {
			return "", err
		}
		if strings.ContainsAny(secret, "\r\n") {
			return "", fmt.Errorf("the secret %s has a line break, which a header cannot have", c.APIKey.ValueSecret)
		}
		req.Header.Set(c.APIKey.Header, c.APIKey.Prefix+secret)
	case c.OAuth != nil:
		var text string
		if key, text, err = e.bearer(ctx, c.OAuth); err != nil {
			return "", err
		}
		req.Header.Set("Authorization", "Bearer "+text)
	}
	return key, nil
}

// bearer gives a token, fetched if none is kept that is good.
func (e *Endpoint) bearer(ctx context.Context, o *OAuth) (key, text string, err error) {
	secret, err := e.Secrets.Find(o.ClientSecretSecret)
	if err != nil {
		return "", "", err
	}
	asked, err := json.Marshal(o)
	if err != nil {
		return "", "", err
	}
	key = string(asked) + "\x00" + secret
	if text := e.tokens.get(key); text != "" {
		return key, text, nil
	}
	text, life, err := e.fetchToken(ctx, o, secret)
	if err != nil {
		return "", "", fmt.Errorf("getting a token from %s: %w", o.TokenURL, err)
	}
	e.tokens.put(key, text, life)
	return key, text, nil
}

func (e *Endpoint) fetchToken(ctx context.Context, o *OAuth, secret string) (string, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {o.ClientID}, "client_secret": {secret}}
	for k, v := range o.Body {
		form.Set(k, v)
	}
	target, err := url.Parse(o.TokenURL)
	if err != nil {
		return "", 0, err
	}
	query := target.Query()
	for k, v := range o.Query {
		query.Set(k, v)
	}
	method, body := o.Method, form.Encode()
	if method == "" {
		method = http.MethodPost
	}
	if method == http.MethodGet {
		for k := range form {
			query.Set(k, form.Get(k))
		}
		body = ""
	}
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(body))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tercel")
	for k, v := range o.Headers {
		req.Header.Set(k, v)
	}
	resp, err := e.Client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return "", 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("it answered %s", resp.Status)
	}
	var got struct {
		Token   string          `json:"access_token"`
		Expires json.RawMessage `json:"expires_in"`
	}
	if err := json.Unmarshal(text, &got); err != nil || got.Token == "" || strings.ContainsAny(got.Token, "\r\n") {
		return "", 0, errors.New("its answer has no access_token")
	}
	life := 5 * time.Minute
	if v, err := value.Parse(got.Expires); err == nil {
		if v.Kind() == value.String {
			v = value.FromNumber(v.Text())
		}
		if n, ok := v.Float(); ok && n > 0 {
			life = time.Duration(min(n, 86400) * float64(time.Second))
		}
	}
	return got.Token, life, nil
}
