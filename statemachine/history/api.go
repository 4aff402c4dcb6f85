package history

import (
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// API gives the event as GetExecutionHistory has it: payloads as JSON text, the timestamp in seconds since 1970. Region
// is what tasks of service integrations are said to run in. An event that is Extra has no such form.
func (e Event) API(region string) *value.Value {
	var o object
	o.set("timestamp", epochSeconds(e.Time))
	o.text("type", e.Type)
	o.set("id", value.FromInt(e.ID))
	o.set("previousEventId", value.FromInt(e.PreviousID))
	if e.Details.Key != "" {
		o.set(e.Details.Key, e.Details.api(region))
	}
	return o.value()
}

// epochSeconds is how the service's JSON writes times.
func epochSeconds(t time.Time) *value.Value {
	v, ok := value.FromFloat(float64(t.UnixMilli()) / 1000)
	if !ok {
		return value.FromInt(0)
	}
	return v
}

// api gives the details with the names and forms that the API has for them.
func (d Details) api(region string) *value.Value {
	var o object
	scheduled := strings.HasSuffix(d.Key, "ScheduledEventDetails")
	o.text("name", d.Name)
	if d.Index != nil {
		o.set("index", value.FromInt(int64(*d.Index)))
	}
	if d.Length != nil {
		o.set("length", value.FromInt(int64(*d.Length)))
	}
	o.text("mapRunArn", d.MapRun)
	o.text("resource", d.Resource)
	if d.Service != "" {
		o.text("resourceType", d.Service)
		if scheduled {
			o.text("region", region)
		}
	}
	switch {
	case scheduled && d.Service != "":
		o.payloadText("parameters", d.Input)
	default:
		o.payload("input", d.Input)
	}
	o.payload("output", d.Output)
	d.assigned(&o)
	o.optional("error", d.Error)
	o.optional("cause", d.Cause)
	o.text("roleArn", d.RoleARN)
	o.text("workerName", d.Worker)
	o.text("location", d.Location)
	o.text("state", d.State)
	o.seconds("timeoutInSeconds", d.Timeout)
	o.seconds("heartbeatInSeconds", d.Heartbeat)
	if d.Redrives > 0 {
		o.set("redriveCount", value.FromInt(int64(d.Redrives)))
	}
	return o.value()
}

func (d Details) assigned(o *object) {
	if len(d.Assigned) == 0 {
		return
	}
	var variables object
	for _, a := range d.Assigned {
		variables.text(a.Name, a.Value.String())
	}
	o.set("assignedVariables", variables.value())
	o.set("assignedVariablesDetails", whole())
}

// whole says that a payload is there in full.
func whole() *value.Value {
	return value.FromObject([]string{"truncated"}, []*value.Value{value.FalseValue})
}

// object builds a JSON object, member by member.
type object struct {
	keys   []string
	values []*value.Value
}

func (o *object) set(key string, v *value.Value) {
	o.keys, o.values = append(o.keys, key), append(o.values, v)
}

func (o *object) text(key, text string) {
	if text != "" {
		o.set(key, value.FromString(text))
	}
}

func (o *object) optional(key string, text *string) {
	if text != nil {
		o.set(key, value.FromString(*text))
	}
}

func (o *object) payloadText(key string, v *value.Value) {
	if v != nil {
		o.set(key, value.FromString(v.String()))
	}
}

func (o *object) payload(key string, v *value.Value) {
	if v != nil {
		o.payloadText(key, v)
		o.set(key+"Details", whole())
	}
}

func (o *object) seconds(key string, d time.Duration) {
	if d > 0 {
		o.set(key, value.FromInt(int64(d/time.Second)))
	}
}

func (o *object) value() *value.Value { return value.FromObject(o.keys, o.values) }
