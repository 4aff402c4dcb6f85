// Package aws calls services of AWS, or anything that speaks their protocols, for tasks: as the optimized integrations of
// Step Functions do (arn:aws:states:::sqs:sendMessage) and as its AWS SDK integrations do
// (arn:aws:states:::aws-sdk:dynamodb:getItem). Requests are signed with Signature V4.
package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

// Config says where the services are and who calls them.
type Config struct {
	Region string
	// Endpoints are the URLs of services that are not where AWS has them, by their names, such as dynamodb. The name "" is
	// that of all that are not named.
	Endpoints map[string]string
	// Credentials are those that requests are signed with; nil for those that the AWS SDK finds: the environment, the shared
	// files, the role of the container or the machine.
	Credentials aws.CredentialsProvider
	Guard       invoke.Guard
	// AllowEndpoints says that endpoints which are named in Endpoints may lie anywhere: whoever runs the server named them.
	Getenv func(string) string // for AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>; nil for none
}

// Client calls services. It is safe for concurrent use.
type Client struct {
	cfg    Config
	http   *http.Client
	signer *v4.Signer

	once        sync.Once
	credentials aws.CredentialsProvider
	err         error
}

// callTimeout bounds one request, besides the deadline of its task.
const callTimeout = 60 * time.Second

// maxAnswer is how much of an answer is read.
const maxAnswer = 6 << 20

// New makes a client. Credentials are looked for when the first request is made.
func New(cfg Config) *Client {
	return &Client{cfg: cfg, http: invoke.NewGuardedClient(cfg.Guard), signer: v4.NewSigner()}
}

// endpoint gives the URL of a service.
func (c *Client) endpoint(s *service) (string, error) {
	for _, name := range []string{s.name, s.endpointName()} {
		if u := c.cfg.Endpoints[name]; u != "" {
			return checkedURL(u)
		}
	}
	if c.cfg.Getenv != nil && c.cfg.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") != "true" {
		for _, name := range []string{"AWS_ENDPOINT_URL_" + s.variable(), "AWS_ENDPOINT_URL"} {
			if u := c.cfg.Getenv(name); u != "" {
				return checkedURL(u)
			}
		}
	}
	if u := c.cfg.Endpoints[""]; u != "" {
		return checkedURL(u)
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(c.cfg.Region, "cn-") {
		domain = "amazonaws.com.cn"
	}
	return "https://" + s.host(c.cfg.Region) + "." + domain, nil
}

func checkedURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("the endpoint %q is no URL such as http://localhost:8000", text)
	}
	return strings.TrimSuffix(text, "/"), nil
}

// identity gives the credentials to sign with.
func (c *Client) identity(ctx context.Context) (aws.Credentials, error) {
	c.once.Do(func() {
		if c.credentials = c.cfg.Credentials; c.credentials != nil {
			return
		}
		var found aws.Config
		found, c.err = config.LoadDefaultConfig(context.WithoutCancel(ctx), config.WithRegion(c.cfg.Region))
		c.credentials = found.Credentials
	})
	if c.err != nil {
		return aws.Credentials{}, c.err
	}
	if c.credentials == nil {
		return aws.Credentials{}, errors.New("there are no credentials for AWS; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the server")
	}
	return c.credentials.Retrieve(ctx)
}

// request is a request before it is signed.
type request struct {
	method, path, query string // the path is escaped
	headers             map[string]string
	body                []byte
}

// answer is what a service answered, whatever its status.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// requestID gives the id that the service gave the request.
func (a *answer) requestID() string {
	for _, name := range []string{"X-Amzn-Requestid", "X-Amz-Request-Id"} {
		if id := a.header.Get(name); id != "" {
			return id
		}
	}
	return "none"
}

// send signs a request, sends it and reads the answer. Its error says that there was none.
func (c *Client) send(ctx context.Context, s *service, r request) (*answer, error) {
	base, err := c.endpoint(s)
	if err != nil {
		return nil, err
	}
	identity, err := c.identity(ctx)
	if err != nil {
		return nil, fmt.Errorf("finding credentials for AWS: %w", err)
	}
	target := base + r.path
	if r.query != "" {
		target += "?" + r.query
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	for name, v := range r.headers {
		req.Header.Set(name, v)
	}
	req.Header.Set("User-Agent", "tercel")
	sum := sha256.Sum256(r.body)
	digest := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", digest)
	err = c.signer.SignHTTP(ctx, identity, req, digest, s.signingName(), c.cfg.Region, time.Now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = s.protocol == restS3
	})
	if err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}
