package invoke

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// What the integrations with services have in common: the forms of their arguments, results and errors.

// Header is a header of an answer, as SdkHttpMetadata tells of it.
type Header struct{ Name, Value string }

// SDKMetadata adds SdkHttpMetadata and SdkResponseMetadata to a result, which the optimized integrations of the service
// have.
func SDKMetadata(o *value.Members, status int, requestID string, headers []Header) {
	var all, single, meta, response value.Members
	for _, h := range headers {
		text := value.FromString(h.Value)
		all.Set(h.Name, value.FromArray([]*value.Value{text}))
		single.Set(h.Name, text)
	}
	meta.Set("AllHttpHeaders", all.Object())
	meta.Set("HttpHeaders", single.Object())
	meta.Set("HttpStatusCode", value.FromInt(int64(status)))
	response.Text("RequestId", requestID)
	o.Set("SdkHttpMetadata", meta.Object())
	o.Set("SdkResponseMetadata", response.Object())
}

// Unusable is the service's error for arguments that an integration cannot take.
func Unusable(arguments *value.Value, why string) error {
	return &TaskError{Name: statemachine.ErrorRuntime, Cause: fmt.Sprintf(
		"The Parameters '%s' could not be used to start the Task: [%s]", clip(arguments.String(), 4<<10), why)}
}

// ServiceError is a refusal in the words of the optimized integrations.
func ServiceError(name, service string, status int, code, message string) error {
	return failure(name, "%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
		message, service, status, code, uuid.NewString())
}

// TextOf gives the text of a member of an object; "" if there is none.
func TextOf(object *value.Value, key string) string {
	if object == nil || object.Kind() != value.Object {
		return ""
	}
	if v := object.Get(key); v != nil && v.Kind() == value.String {
		return v.Text()
	}
	return ""
}
