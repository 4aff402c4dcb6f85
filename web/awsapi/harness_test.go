package awsapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web"
)

// patience bounds how long a test waits for what must happen.
const patience = 60 * time.Second

// account is that of all ARNs of the tests; role is what state machines are created with.
const (
	account = "123456789012"
	role    = "arn:aws:iam::123456789012:role/service-role/orders"
)

// server is a node's whole router on a real engine and a real Postgres, and AWS's client for it.
type server struct {
	*sfn.Client

	t       testing.TB
	ctx     context.Context //nolint:containedctx // of the test, for brevity of its many calls
	url     string
	address string
	engine  *engine.Engine
	pool    *pgxpool.Pool // of the database
	access  *access.Control
	router  http.Handler
}

// newServer starts a server that asks for no keys.
func newServer(t testing.TB) *server {
	return startServer(t, access.Config{Open: true})
}

func startServer(t testing.TB, config access.Config, change ...func(*engine.Config)) *server {
	t.Helper()
	pool := storetest.Pool(t, storetest.Postgres(t))
	st := store.New(pool)
	engineConfig := engine.Config{Store: st, ParkAfter: -1, Poll: 50 * time.Millisecond, Account: account}
	for _, f := range change {
		f(&engineConfig)
	}
	eng, err := engine.New(engineConfig)
	if err != nil {
		t.Fatal(err)
	}
	eng.RegisterFunc("echo", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) { return in, nil })
	if err := eng.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	config.Store, config.AuditEvery = st, time.Millisecond
	control := access.New(config)
	if err := control.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	draining := make(chan struct{})
	s := &server{t: t, ctx: t.Context(), engine: eng, pool: pool, access: control}
	s.router = web.NewRouter(web.Config{Engine: eng, Access: control, LoopbackOnly: true, Draining: draining})
	hs := httptest.NewServer(s.router)
	t.Cleanup(func() {
		close(draining)
		hs.CloseClientConnections()
		hs.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := errors.Join(eng.Shutdown(ctx), control.Close(ctx)); err != nil {
			t.Error(err)
		}
	})
	s.url, s.address = hs.URL, hs.Listener.Addr().String()
	s.Client = s.client("TKIAXXXXXXXXXXXXXXXX", "secret")
	return s
}

// client gives AWS's client with a key, as a program makes it whose endpoint is Tercel. Operations that answer at once go
// to the host with "sync-" in front; a program that uses them has that name lead to the same place, as is done here.
func (s *server) client(id, secret string) *sfn.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.address)
	}}
	s.t.Cleanup(transport.CloseIdleConnections)
	return sfn.New(sfn.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(strings.Replace(s.url, "127.0.0.1", "localhost", 1)),
		HTTPClient: &http.Client{Transport: transport}, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
		}),
	})
}

// The definitions of the tests.
const (
	passMachine  = `{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}`
	otherMachine = `{"StartAt": "B", "States": {"B": {"Type": "Pass", "Result": 2, "End": true}}}`
	waitMachine  = `{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": true}}}`
	failMachine  = `{"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}`
	tokenMachine = `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
		"Parameters": {"FunctionName": "keep", "Payload": {"token.$": "$$.Task.Token"}}, "TimeoutSeconds": 3000, "End": true}}}`
	mapMachine = `{"StartAt": "Each", "States": {"Each": {"Type": "Map", "Label": "Items", "MaxConcurrency": 3, "ToleratedFailurePercentage": 50,
		"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "C", "States": {
			"C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 0, "Next": "F"}], "Default": "S"},
			"F": {"Type": "Fail", "Error": "Zero"}, "S": {"Type": "Succeed"}}}, "End": true}}}`
)

// create creates a state machine and gives its ARN.
func (s *server) create(name, definition string, change ...func(*sfn.CreateStateMachineInput)) *string {
	s.t.Helper()
	in := &sfn.CreateStateMachineInput{Name: &name, Definition: &definition, RoleArn: aws.String(role)}
	for _, f := range change {
		f(in)
	}
	out, err := s.CreateStateMachine(s.ctx, in)
	if err != nil {
		s.t.Fatal(err)
	}
	return out.StateMachineArn
}

// start starts an execution and gives its ARN.
func (s *server) start(machine *string, name, input string) *string {
	s.t.Helper()
	in := &sfn.StartExecutionInput{StateMachineArn: machine, Input: aws.String(input)}
	if name != "" {
		in.Name = &name
	}
	out, err := s.StartExecution(s.ctx, in)
	if err != nil {
		s.t.Fatal(err)
	}
	return out.ExecutionArn
}

// end waits for the end of an execution.
func (s *server) end(arn *string) *sfn.DescribeExecutionOutput {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	id, err := s.engine.ResolveExecution(ctx, "", *arn)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.engine.Wait(ctx, id); err != nil {
		s.t.Fatal(err)
	}
	out, err := s.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: arn})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// refused checks that an error is one of the service's, with its type and, if it is not empty, its message.
func refused(t testing.TB, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	switch {
	case !errors.As(err, &api):
		t.Errorf("the error is %v, want %s", err, code)
	case api.ErrorCode() != code || message != "" && api.ErrorMessage() != message:
		t.Errorf("the error is %s: %s\n  want %s: %s", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

func arnOf(kind, rest string) *string {
	arn := "arn:aws:states:us-east-1:" + account + ":" + kind + ":" + rest
	return &arn
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
