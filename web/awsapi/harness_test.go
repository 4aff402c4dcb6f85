package awsapi_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web"
)

// patience bounds how long a test waits for what must happen.
const patience = 30 * time.Second

// server is a node's whole router on a real engine and a real Postgres, and AWS's client for it.
type server struct {
	*sfn.Client

	t      testing.TB
	ctx    context.Context //nolint:containedctx // of the test, for brevity of its many calls
	url    string
	engine *engine.Engine
	router http.Handler
}

func newServer(t testing.TB) *server {
	t.Helper()
	eng, err := engine.New(engine.Config{
		Store: storetest.Open(t), ParkAfter: -1, Poll: 50 * time.Millisecond, Account: "123456789012",
	})
	if err != nil {
		t.Fatal(err)
	}
	eng.RegisterFunc("echo", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) { return in, nil })
	if err := eng.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, ctx: t.Context(), engine: eng, router: web.NewRouter(web.Config{Engine: eng, LoopbackOnly: true})}
	hs := httptest.NewServer(s.router)
	t.Cleanup(func() {
		hs.CloseClientConnections()
		hs.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := eng.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	s.url = hs.URL
	s.Client = client(hs.URL, hs.Listener.Addr().String())
	return s
}

// client gives AWS's client, as a program makes it whose endpoint is Tercel. Operations that answer at once go to the
// host with "sync-" in front, which a program that uses them has its resolver lead to the same place, as is done here.
func client(url, address string) *sfn.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	return sfn.New(sfn.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(strings.Replace(url, "127.0.0.1", "localhost", 1)),
		HTTPClient: &http.Client{Transport: transport}, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "TKIAXXXXXXXXXXXXXXXX", SecretAccessKey: "secret"}, nil
		}),
	})
}
