package aws_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/engine/invoke/aws"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

// staticKeys are those of all tests.
var staticKeys = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", secret, "")

// client calls one service at an endpoint on this machine.
func client(t *testing.T, service, endpoint string) *aws.Client {
	t.Helper()
	return aws.New(aws.Config{
		Region: "us-east-1", Credentials: staticKeys, Guard: invoke.Guard{AllowPrivate: true}, Endpoints: map[string]string{service: endpoint},
	})
}

// ask calls what stands behind arn:aws:states:::.
func ask(t *testing.T, c *aws.Client, resource, arguments string) (*value.Value, error) {
	t.Helper()
	service, action, _ := strings.Cut(resource, ":")
	a := c.Find(service, action)
	if a == nil {
		t.Fatalf("there is no %s", resource)
	}
	v, err := value.Parse([]byte(arguments))
	if err != nil {
		t.Fatal(err)
	}
	return a.Invoke(t.Context(), &invoke.Invocation{
		TaskInfo: invoke.TaskInfo{
			ExecutionARN: "arn:aws:states:us-east-1:000000000000:execution:order:one", StateMachine: "order",
		},
		Arguments: v, MaxResult: 262144,
	})
}

func wantError(t *testing.T, err error, name, cause string) {
	t.Helper()
	task, ok := errors.AsType[*invoke.TaskError](err)
	if !ok || task.Name != name || !strings.Contains(task.Cause, cause) {
		t.Errorf("the error is %v, want %s: ...%s...", err, name, cause)
	}
}

// request is what a server was asked.
type request struct{ target, contentType, body string }

// fake is a service that checks signatures and answers what it is told to.
type fake struct {
	*httptest.Server
	service string
	got     request
	status  int
	answer  string
	header  map[string]string
}

func newFake(t *testing.T, service string) *fake {
	t.Helper()
	f := &fake{service: service, status: http.StatusOK}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if err := checkSignature(r, body, f.service); err != nil {
			t.Error(err)
		}
		f.got = request{r.Header.Get("X-Amz-Target"), r.Header.Get("Content-Type"), string(body)}
		w.Header().Set("X-Amzn-Requestid", "4ad7e1a2")
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		for name, v := range f.header {
			w.Header().Set(name, v)
		}
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, f.answer)
	}))
	t.Cleanup(f.Close)
	return f
}

// checkSignature verifies Signature V4 from what it is defined as.
func checkSignature(r *http.Request, body []byte, service string) error {
	parts := map[string]string{}
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for part := range strings.SplitSeq(rest, ", ") {
		name, v, _ := strings.Cut(part, "=")
		parts[name] = v
	}
	scope := strings.SplitN(parts["Credential"], "/", 2)
	if !ok || len(scope) != 2 || scope[0] != "AKIDEXAMPLE" || !strings.HasSuffix(scope[1], "/us-east-1/"+service+"/aws4_request") {
		return fmt.Errorf("the credential is %q, for %s", parts["Credential"], service)
	}
	signed := strings.Split(parts["SignedHeaders"], ";")
	if !slices.Contains(signed, "host") {
		return errors.New("the host is not signed")
	}
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	for _, name := range signed {
		v := r.Header.Get(name)
		switch name {
		case "host":
			v = r.Host
		case "content-length":
			v = strconv.Itoa(len(body))
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.TrimSpace(v))
	}
	sum := sha256.Sum256(body)
	fmt.Fprintf(&canonical, "\n%s\n%s", parts["SignedHeaders"], hex.EncodeToString(sum[:]))
	digest := sha256.Sum256([]byte(canonical.String()))
	text := "AWS4-HMAC-SHA256\n" + r.Header.Get("X-Amz-Date") + "\n" + scope[1] + "\n" + hex.EncodeToString(digest[:])
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope[1], "/") {
		key = mac(key, part)
	}
	if want := hex.EncodeToString(mac(key, text)); want != parts["Signature"] {
		return fmt.Errorf("the signature is %s, want %s of\n%s", parts["Signature"], want, canonical.String())
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func TestSendMessage(t *testing.T) {
	f := newFake(t, "sqs")
	f.answer = `{"MD5OfMessageBody": "5d41", "MessageId": "m-1"}`
	c := client(t, "sqs", f.URL)
	v, err := ask(t, c, "sqs:sendMessage", `{"QueueUrl": "http://queue/1/q", "MessageBody": {"a": [1, 2]}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := request{"AmazonSQS.SendMessage", "application/x-amz-json-1.0", `{"QueueUrl":"http://queue/1/q","MessageBody":"{\"a\": [1, 2]}"}`}
	if f.got != want {
		t.Errorf("the service got %+v, want %+v", f.got, want)
	}
	meta := v.Get("SdkHttpMetadata")
	if v.Get("MessageId").Text() != "m-1" || v.Get("SdkResponseMetadata").Get("RequestId").Text() != "4ad7e1a2" ||
		meta.Get("HttpHeaders").Get("Content-Type").Text() != "application/x-amz-json-1.0" ||
		meta.Get("AllHttpHeaders").Get("x-amzn-RequestId").String() != `["4ad7e1a2"]` {
		t.Errorf("the result is %s", v)
	}
	f.status, f.answer = 400, `{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "There is none."}`
	_, err = ask(t, c, "sqs:sendMessage", `{"QueueUrl": "http://queue/1/q", "MessageBody": "x"}`)
	wantError(t, err, "SQS.QueueDoesNotExistException", "There is none. (Service: AmazonSQS; Status Code: 400; Error Code: QueueDoesNotExist; Request ID: 4ad7e1a2; Proxy: null)")
	_, err = ask(t, c, "aws-sdk:sqs:sendMessage", `{"QueueUrl": "http://queue/1/q", "MessageBody": "x"}`)
	wantError(t, err, "Sqs.QueueDoesNotExistException", "There is none. (Service: Sqs, Status Code: 400, Request ID: 4ad7e1a2)")
	f.status, f.answer = 403, `{"__type": "UnrecognizedClientException", "message": "The security token is invalid."}`
	_, err = ask(t, c, "sqs:sendMessage", `{"QueueUrl": "http://queue/1/q", "MessageBody": "x"}`)
	wantError(t, err, "SQS.AmazonSQSException", "Error Code: UnrecognizedClientException")
}

func TestPublish(t *testing.T) {
	f := newFake(t, "sns")
	f.answer = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>94f20ce6</MessageId></PublishResult>
		<ResponseMetadata><RequestId>f18</RequestId></ResponseMetadata></PublishResponse>`
	c := client(t, "sns", f.URL)
	v, err := ask(t, c, "sns:publish", `{"TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": {"a": "b c"},
		"MessageAttributes": {"kind": {"DataType": "String", "StringValue": "x"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	const want = "Action=Publish&Message=%7B%22a%22%3A+%22b+c%22%7D&MessageAttributes.entry.1.Name=kind&MessageAttributes.entry.1.Value.DataType=String&" +
		"MessageAttributes.entry.1.Value.StringValue=x&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A1%3At&Version=2010-03-31"
	if f.got.body != want {
		t.Errorf("the service got %s", f.got.body)
	}
	if v.Get("MessageId").Text() != "94f20ce6" || v.Get("SdkHttpMetadata") == nil {
		t.Errorf("the result is %s", v)
	}
	if v, err := ask(t, c, "aws-sdk:sns:publish", `{"Message": "x"}`); err != nil || v.String() != `{"MessageId":"94f20ce6"}` {
		t.Errorf("the result is %s, %v", v, err)
	}
	f.status, f.answer = 404, `<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code><Message>Topic does not exist</Message></Error></ErrorResponse>`
	_, err = ask(t, c, "sns:publish", `{"TopicArn": "t", "Message": "x"}`)
	wantError(t, err, "SNS.NotFoundException", "Topic does not exist (Service: AmazonSNS; Status Code: 404; Error Code: NotFound;")
}

func TestPutEvents(t *testing.T) {
	f := newFake(t, "events")
	f.answer = `{"Entries": [{"EventId": "e1"}], "FailedEntryCount": 0}`
	c := client(t, "eventbridge", f.URL)
	v, err := ask(t, c, "events:putEvents", `{"Entries": [{"Detail": {"m": 1}, "DetailType": "d", "Source": "s", "Resources": ["r"]}]}`)
	if err != nil || v.String() != f.answer {
		t.Fatalf("%s, %v", v, err)
	}
	const want = `{"Entries":[{"Detail":"{\"m\": 1}","DetailType":"d","Source":"s","Resources":["r",` +
		`"arn:aws:states:us-east-1:000000000000:execution:order:one","arn:aws:states:us-east-1:000000000000:stateMachine:order"]}]}`
	if f.got != (request{"AWSEvents.PutEvents", "application/x-amz-json-1.1", want}) {
		t.Errorf("the service got %+v", f.got)
	}
	f.answer = `{"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}],"FailedEntryCount":1}`
	_, err = ask(t, c, "events:putEvents", `{"Entries": [{"Detail": "\"text\"", "DetailType": "d", "Source": "s"}]}`)
	wantError(t, err, "EventBridge.FailedEntry", f.answer)
}

// Names of members begin with a capital in definitions, whatever the service does; but not those that people choose.
func TestGenericServices(t *testing.T) {
	f := newFake(t, "ecs")
	f.answer = `{"tasks": [{"taskArn": "a", "attachments": [{"id": "1"}]}], "failures": []}`
	c := client(t, "ecs", f.URL)
	v, err := ask(t, c, "aws-sdk:ecs:runTask", `{"Cluster": "c", "Overrides": {"ContainerOverrides": [{"Name": "n"}]}, "Tags": [{"Key": "K"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"cluster":"c","overrides":{"containerOverrides":[{"name":"n"}]},"tags":[{"key":"K"}]}`
	if f.got != (request{"AmazonEC2ContainerServiceV20141113.RunTask", "application/x-amz-json-1.1", want}) {
		t.Errorf("the service got %+v", f.got)
	}
	if v.String() != `{"Tasks":[{"TaskArn":"a","Attachments":[{"Id":"1"}]}],"Failures":[]}` {
		t.Errorf("the result is %s", v)
	}
	f.status, f.answer = 400, `{"__type":"ClusterNotFoundException","message":"Cluster not found."}`
	_, err = ask(t, c, "aws-sdk:ecs:runTask", `{}`)
	wantError(t, err, "Ecs.ClusterNotFoundException", "Cluster not found. (Service: Ecs, Status Code: 400, Request ID: 4ad7e1a2)")
	f.service = "ssm"
	f.answer = `{"__type":"ParameterNotFound"}`
	_, err = ask(t, client(t, "ssm", f.URL), "aws-sdk:ssm:getParameter", `{"Name": "x"}`)
	wantError(t, err, "Ssm.ParameterNotFoundException", "Bad Request")
}

func TestUnknown(t *testing.T) {
	c := client(t, "", "")
	for _, resource := range []string{
		"sqs:receiveMessage", "dynamodb:scan", "nosuch:thing", "aws-sdk:nosuch:thing", "aws-sdk:s3:selectObjectContent", "aws-sdk:sqs",
		"aws-sdk:sqs:", "aws-sdk:sqs:a:b", "aws-sdk:sns:subscribe",
	} {
		service, action, _ := strings.Cut(resource, ":")
		if c.Find(service, action) != nil {
			t.Errorf("%s is found", resource)
		}
	}
}

// A service may only be reached where the guard allows it, whoever named the place.
func TestGuarded(t *testing.T) {
	f := newFake(t, "sqs")
	c := aws.New(aws.Config{Region: "us-east-1", Credentials: staticKeys, Endpoints: map[string]string{"": f.URL}})
	_, err := ask(t, c, "sqs:sendMessage", `{"QueueUrl": "q", "MessageBody": "x"}`)
	wantError(t, err, "SQS.SdkClientException", "is not a public one")
	if f.got.body != "" {
		t.Error("the service was reached")
	}
}

func TestEndpoints(t *testing.T) {
	f := newFake(t, "sqs")
	f.answer = "{}"
	for name, c := range map[string]aws.Config{
		"of the service":   {Endpoints: map[string]string{"sqs": f.URL, "": "http://127.0.0.1:1"}},
		"of all":           {Endpoints: map[string]string{"": f.URL}},
		"environment":      {Getenv: env("AWS_ENDPOINT_URL_SQS", f.URL)},
		"all, environment": {Getenv: env("AWS_ENDPOINT_URL", f.URL+"/")},
	} {
		c.Region, c.Credentials, c.Guard = "us-east-1", staticKeys, invoke.Guard{AllowPrivate: true}
		if _, err := ask(t, aws.New(c), "sqs:sendMessage", `{"QueueUrl": "q", "MessageBody": "x"}`); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := aws.New(aws.Config{Region: "us-east-1", Credentials: staticKeys, Endpoints: map[string]string{"": "localhost:8000"}})
	_, err := ask(t, bad, "sqs:sendMessage", `{"QueueUrl": "q", "MessageBody": "x"}`)
	wantError(t, err, "SQS.SdkClientException", `"localhost:8000" is no URL`)
}

func env(name, text string) func(string) string {
	return func(asked string) string {
		if asked == name {
			return text
		}
		return ""
	}
}
