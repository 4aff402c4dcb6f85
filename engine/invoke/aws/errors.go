package aws

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

// common are errors that every service may give, and that no model names. In tasks they are called after the service.
var common = []string{
	"AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException",
	"InternalFailure", "InvalidAction", "InvalidClientTokenId", "InvalidSignatureException", "MalformedQueryString",
	"MissingAction", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired",
	"RequestExpired", "SerializationException", "ServiceUnavailable", "SignatureDoesNotMatch", "Throttling",
	"ThrottlingException", "UnknownOperationException", "UnrecognizedClientException", "ValidationError", "ValidationException",
}

// modelled are common errors that the models of some services have.
var modelled = map[string][]string{
	"sfn": {"ValidationException"}, "secretsmanager": nil, "redshiftdata": {"ValidationException"},
	"athena": nil, "kinesis": {"AccessDeniedException"}, "ecs": {"AccessDeniedException"}, "ecr": {"ValidationException"},
	"glue": {"AccessDeniedException", "ValidationException"}, "health": nil, "cloudwatchlogs": {"ValidationException", "ThrottlingException"},
	"applicationautoscaling": {"ValidationException"}, "comprehend": nil, "rekognition": {"AccessDeniedException", "ThrottlingException"},
	"textract": {"AccessDeniedException", "ThrottlingException"},
}

// s3Modelled are the errors that S3's model has for the actions that there are.
var s3Modelled = []string{
	"NoSuchKey", "NoSuchBucket", "InvalidObjectState", "InvalidRequest", "InvalidWriteOffset", "TooManyParts", "EncryptionTypeMismatch",
}

// refusal is what a service says is wrong.
type refusal struct{ code, message string }

// refused gives the error of a task whose request was refused.
func (a *Action) refused(got *answer) error {
	r := parseRefusal(got)
	if a.optimized != nil {
		name := exceptionName(r.code)
		if !a.named(r.code, name) {
			name = a.optimized.unnamed
		}
		return &invoke.TaskError{Name: a.optimized.prefix + name, Cause: fmt.Sprintf(
			"%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
			r.message, a.optimized.causes, got.status, r.code, got.requestID())}
	}
	prefix := a.service.errorPrefix()
	name := exceptionName(r.code)
	if !a.named(r.code, name) {
		name = prefix + "Exception"
	}
	cause := fmt.Sprintf("%s (Service: %s, Status Code: %d, Request ID: %s", r.message, prefix, got.status, got.requestID())
	if id := got.header.Get("X-Amz-Id-2"); id != "" {
		cause += ", Extended Request ID: " + id
	}
	return &invoke.TaskError{Name: prefix + "." + name, Cause: cause + ")"}
}

// named tells whether an error has a name of its own.
func (a *Action) named(code, name string) bool {
	switch {
	case code == "":
		return false
	case a.service.protocol == restS3:
		return slices.Contains(s3Modelled, code)
	case a.service.name == "dynamodb":
		known := optimizedServices["dynamodb"].modelled
		return slices.Contains(known, name) || !slices.Contains(common, code) && a.optimized == nil
	case slices.Contains(common, code):
		return slices.Contains(modelled[a.service.name], code)
	default:
		return true
	}
}

// exceptionName gives an error's name as the SDK has it: QueueDoesNotExist is QueueDoesNotExistException.
func exceptionName(code string) string {
	if i := strings.LastIndexByte(code, '.'); i >= 0 { // AWS.SimpleQueueService.NonExistentQueue
		code = code[i+1:]
	}
	switch {
	case code == "NonExistentQueue":
		return "QueueDoesNotExistException"
	case strings.HasSuffix(code, "Exception"):
		return Capital(code)
	case strings.HasSuffix(code, "Fault"):
		return Capital(strings.TrimSuffix(code, "Fault")) + "Exception"
	default:
		return Capital(code) + "Exception"
	}
}

// parseRefusal reads the error of an answer, JSON or XML.
func parseRefusal(got *answer) refusal {
	var r refusal
	var asJSON struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Capital string `json:"Message"`
	}
	var asXML struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
		Error   struct {
			Code    string `xml:"Code"`
			Message string `xml:"Message"`
		} `xml:"Error"`
	}
	switch {
	case json.Unmarshal(got.body, &asJSON) == nil:
		r = refusal{first(asJSON.Type, got.header.Get("X-Amzn-Errortype"), asJSON.Code), first(asJSON.Message, asJSON.Capital)}
		if q, _, ok := strings.Cut(got.header.Get("X-Amzn-Query-Error"), ";"); ok && r.code == "" {
			r.code = q
		}
	case xml.Unmarshal(got.body, &asXML) == nil:
		r = refusal{first(asXML.Error.Code, asXML.Code), first(asXML.Error.Message, asXML.Message)}
	}
	if i := strings.LastIndexByte(r.code, '#'); i >= 0 {
		r.code = r.code[i+1:]
	}
	r.code, _, _ = strings.Cut(r.code, ":")
	if r.message == "" {
		r.message = http.StatusText(got.status)
	}
	return r
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
