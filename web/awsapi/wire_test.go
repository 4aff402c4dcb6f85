package awsapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/engine/access"
)

// answer is what the server said to a raw request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// raw makes a request without any client.
func (s *server) raw(target, body string, header ...string) answer {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://localhost/", strings.NewReader(body))
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.router.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

// typed gives type and message of an answer that says no, which every such answer must have.
func (a answer) typed() (kind, message string, err error) {
	var f struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(a.body, &f); err != nil || f.Type == "" || f.Message == "" {
		return "", "", fmt.Errorf("status %d with a body that is no error: %.300s", a.status, a.body)
	}
	if got := a.header.Get("X-Amzn-Errortype"); got != f.Type {
		return "", "", fmt.Errorf("the header says %q, the body %q", got, f.Type)
	}
	if a.header.Get("X-Amzn-Requestid") == "" || a.header.Get("Content-Type") != "application/x-amz-json-1.0" {
		return "", "", fmt.Errorf("the headers are %v", a.header)
	}
	return f.Type, f.Message, nil
}

func TestWire(t *testing.T) {
	s := newServer(t)
	s.create("orders", passMachine)
	for name, c := range map[string]struct{ target, body, kind, message string }{
		"no target":      {"", "{}", "UnknownOperationException", "The header X-Amz-Target is missing. It names the operation, such as AWSStepFunctions.ListStateMachines."},
		"other service":  {"DynamoDB_20120810.GetItem", "{}", "UnknownOperationException", ""},
		"no operation":   {"AWSStepFunctions.", "{}", "UnknownOperationException", ""},
		"no JSON":        {"AWSStepFunctions.ListStateMachines", "{", "SerializationException", ""},
		"two objects":    {"AWSStepFunctions.ListStateMachines", "{}{}", "SerializationException", ""},
		"no object":      {"AWSStepFunctions.ListStateMachines", "[]", "SerializationException", "LIST_VALUE can not be converted to a Structure"},
		"no UTF-8":       {"AWSStepFunctions.ListStateMachines", "{\"a\": \"\xff\"}", "SerializationException", ""},
		"wrong type":     {"AWSStepFunctions.ListStateMachines", `{"maxResults": "x"}`, "SerializationException", "STRING_VALUE can not be converted to an Integer at 'maxResults'"},
		"wrong list":     {"AWSStepFunctions.TagResource", `{"tags": {}}`, "SerializationException", "STRUCTURE_VALUE can not be converted to a List at 'tags'"},
		"fraction":       {"AWSStepFunctions.ListStateMachines", `{"maxResults": 1.5}`, "SerializationException", ""},
		"missing member": {"AWSStepFunctions.StartExecution", `{}`, "ValidationException", "1 validation error detected: Value null at 'stateMachineArn' failed to satisfy constraint: Member must not be null"},
		"two violations": {
			"AWSStepFunctions.CreateActivity", `{"name": "", "tags": [{"key": ""}]}`, "ValidationException",
			"2 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
				"Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.raw(c.target, c.body)
			kind, message, err := a.typed()
			if err != nil || a.status != http.StatusBadRequest || kind != c.kind || c.message != "" && message != c.message {
				t.Errorf("status %d, %s: %s\n %v", a.status, kind, message, err)
			}
		})
	}
	large := s.raw("AWSStepFunctions.ListStateMachines", `{"a": "`+strings.Repeat("x", 5<<20)+`"}`)
	if kind, _, err := large.typed(); err != nil || large.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: status %d, %s, %v", large.status, kind, err)
	}
	// What nobody knows is passed over, and times are seconds.
	ok := s.raw("AWSStepFunctions.ListStateMachines", `{"unknown": {"a": [1]}, "nextToken": null}`)
	var out struct {
		StateMachines []struct{ CreationDate json.Number } `json:"stateMachines"`
	}
	dec := json.NewDecoder(bytes.NewReader(ok.body))
	if err := dec.Decode(&out); err != nil || ok.status != http.StatusOK || len(out.StateMachines) != 1 {
		t.Fatalf("status %d: %s", ok.status, ok.body)
	}
	if seconds, err := out.StateMachines[0].CreationDate.Float64(); err != nil || seconds < 1e9 || seconds > 1e10 {
		t.Errorf("the time is %v", out.StateMachines[0].CreationDate)
	}
}

// names are the operations of the service model.
var names = strings.Fields(`CreateActivity CreateStateMachine CreateStateMachineAlias DeleteActivity DeleteStateMachine
	DeleteStateMachineAlias DeleteStateMachineVersion DescribeActivity DescribeExecution DescribeMapRun DescribeStateMachine
	DescribeStateMachineAlias DescribeStateMachineForExecution GetActivityTask GetExecutionHistory ListActivities ListExecutions
	ListMapRuns ListStateMachineAliases ListStateMachineVersions ListStateMachines ListTagsForResource PublishStateMachineVersion
	RedriveExecution SendTaskFailure SendTaskHeartbeat SendTaskSuccess StartExecution StartSyncExecution StopExecution TagResource
	TestState UntagResource UpdateMapRun UpdateStateMachine UpdateStateMachineAlias ValidateStateMachineDefinition`)

func TestAllOperationsAreThere(t *testing.T) {
	s := newServer(t)
	same(t, "operations", len(names), 37)
	for _, name := range names {
		kind, message, err := s.raw("AWSStepFunctions."+name, "[]").typed()
		if err != nil || kind != "SerializationException" {
			t.Errorf("%s: %s: %s, %v", name, kind, message, err)
		}
	}
}

// members are the names of the members of all inputs.
var members = strings.Fields(`name tags encryptionConfiguration definition roleArn type loggingConfiguration tracingConfiguration publish
	versionDescription description routingConfiguration activityArn stateMachineArn stateMachineAliasArn stateMachineVersionArn
	executionArn includedData mapRunArn workerName maxResults reverseOrder nextToken includeExecutionData statusFilter
	redriveFilter resourceArn revisionId clientToken taskToken error cause output input traceHeader tagKeys maxConcurrency
	toleratedFailurePercentage toleratedFailureCount severity stateName mock context variables inspectionLevel key value
	result errorOutput fieldValidationMode stateConfiguration retrierRetryCount mapIterationFailureCount mapItemReaderData revealSecrets`)

// junk makes a value of any kind.
func junk(r *rand.Rand, depth int) any {
	texts := []string{
		"", "x", "\x00", "arn:", "arn:aws:states:us-east-1:1:stateMachine:orders", "arn:aws:states:us-east-1:1:stateMachine:orders:1",
		"arn:aws:states:us-east-1:1:stateMachine:orders:99999999999999999999", "arn:aws:states:us-east-1:1:stateMachine:orders:99999999999", "arn:aws:states:us-east-1:1:execution:orders:x",
		"arn:aws:states:us-east-1:1:express:orders:x:y", "arn:aws:states:us-east-1:1:activity:none", "arn:aws:states:us-east-1:1:mapRun:m/l:x-1",
		"arn:aws:states:::", "arn:aws:states:us-east-1:1:stateMachine:", "arn:aws:states:us-east-1:1:mapRun:/:-", passMachine, "{", "ALL", "PROD",
		strings.Repeat("ä", 300), "\u2028<>&", "STANDARD", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", `{"a": 1}`, "0", "-1",
	}
	switch r.IntN(9) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return []any{-1, 0, 1, 1001, 1e300, 0.5, int64(1) << 62}[r.IntN(7)]
	case 3:
		if depth > 3 {
			return []any{}
		}
		list := make([]any, r.IntN(4))
		for i := range list {
			list[i] = junk(r, depth+1)
		}
		return list
	case 4:
		object := map[string]any{}
		for range r.IntN(4) {
			if depth <= 3 {
				object[members[r.IntN(len(members))]] = junk(r, depth+1)
			}
		}
		return object
	default:
		return texts[r.IntN(len(texts))]
	}
}

// malformed makes a request that is most probably wrong.
func malformed(r *rand.Rand) (target, body string, header []string) {
	target = "AWSStepFunctions." + names[r.IntN(len(names))]
	object := map[string]any{}
	for range r.IntN(8) {
		object[members[r.IntN(len(members))]] = junk(r, 0)
	}
	text, _ := json.Marshal(object)
	body = string(text)
	switch r.IntN(8) {
	case 0: // truncated
		body = body[:r.IntN(len(body)+1)]
	case 1: // damaged
		b := []byte(body)
		b[r.IntN(len(b))] = byte(r.IntN(256))
		body = string(b)
	case 2:
		target = []string{"", "AWSStepFunctions.", "AWSStepFunctions.Nothing", "x", "\x7f", strings.Repeat("x", 5000)}[r.IntN(6)]
	case 3:
		header = []string{"Authorization", []string{
			"", "AWS4-HMAC-SHA256", "Bearer x",
			"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=x",
		}[r.IntN(4)]}
	case 4:
		header = []string{"Tercel-Namespace", []string{"\xff", "none", "a b", strings.Repeat("x", 300)}[r.IntN(4)]}
	case 5:
		body = strings.Repeat("[", r.IntN(20_000))
	}
	return target, body, header
}

// checkMalformed makes a request and checks that it is either carried out or refused with a typed error.
func (s *server) checkMalformed(target, body string, header ...string) {
	s.t.Helper()
	if strings.HasSuffix(target, ".GetActivityTask") && strings.Contains(body, ":activity:") {
		return // it would wait
	}
	a := s.raw(target, body, header...)
	if a.status == http.StatusOK {
		return
	}
	if _, _, err := a.typed(); err != nil || a.status < 400 || a.status >= 500 {
		s.t.Errorf("%s %.500q: status %d, %v: %.300s", target, body, a.status, err, a.body)
	}
}

func TestMalformedRequests(t *testing.T) {
	open := newServer(t)
	open.create("orders", passMachine)
	// The second one asks for keys: there, every request is refused.
	closed := startServer(t, access.Config{Exposed: true})
	r := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for i := range 10_000 {
		target, body, header := malformed(r)
		open.checkMalformed(target, body, header...)
		if i%10 == 0 {
			a := closed.raw(target, body, header...)
			if _, _, err := a.typed(); err != nil || a.status < 400 || a.status >= 500 {
				t.Errorf("unsigned: status %d, %v: %s", a.status, err, a.body)
			}
			refused++
		}
	}
	same(t, "unsigned requests", refused, 1000)
	for range 3 {
		a := open.raw("AWSStepFunctions.StartExecution", `{"input": "`+strings.Repeat("x", 5<<20)+`"}`)
		same(t, "status of a large request", a.status, http.StatusRequestEntityTooLarge)
	}
}

// FuzzRequest sends any body to any target. No request may be answered with a 5xx, or without a typed error.
func FuzzRequest(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		target, body, _ := malformed(r)
		f.Add(target, []byte(body))
	}
	s := newServer(f)
	s.create("orders", passMachine)
	f.Fuzz(func(t *testing.T, target string, body []byte) {
		here := *s
		here.t = t
		if strings.ContainsFunc(target, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return // no header can hold it
		}
		here.checkMalformed(target, string(body))
	})
}
