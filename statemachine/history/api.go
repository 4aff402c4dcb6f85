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
	o.Set("timestamp", epochSeconds(e.Time))
	o.Text("type", e.Type)
	o.Set("id", value.FromInt(e.ID))
	o.Set("previousEventId", value.FromInt(e.PreviousID))
	if e.Details.Key != "" {
		o.Set(e.Details.Key, e.Details.api(region))
	}
	return o.Object()
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
	o.Text("name", d.Name)
	if d.Index != nil {
		o.Set("index", value.FromInt(int64(*d.Index)))
	}
	if d.Length != nil {
		o.Set("length", value.FromInt(int64(*d.Length)))
	}
	o.Text("mapRunArn", d.MapRun)
	o.Text("resource", d.Resource)
	if d.Service != "" {
		o.Text("resourceType", d.Service)
		if scheduled {
			o.Text("region", region)
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
	o.Text("roleArn", d.RoleARN)
	o.Text("workerName", d.Worker)
	o.Text("location", d.Location)
	o.Text("state", d.State)
	o.seconds("timeoutInSeconds", d.Timeout)
	o.seconds("heartbeatInSeconds", d.Heartbeat)
	if d.Redrives > 0 {
		o.Set("redriveCount", value.FromInt(int64(d.Redrives)))
	}
	return o.Object()
}

func (d Details) assigned(o *object) {
	if len(d.Assigned) == 0 {
		return
	}
	var variables object
	for _, a := range d.Assigned {
		variables.Text(a.Name, a.Value.String())
	}
	o.Set("assignedVariables", variables.Object())
	o.Set("assignedVariablesDetails", whole())
}

// whole says that a payload is there in full.
func whole() *value.Value {
	return value.FromObject([]string{"truncated"}, []*value.Value{value.FalseValue})
}

// object builds the JSON of an event, member by member.
type object struct{ value.Members }

func (o *object) optional(key string, text *string) {
	if text != nil {
		o.Set(key, value.FromString(*text))
	}
}

func (o *object) payloadText(key string, v *value.Value) {
	if v != nil {
		o.Set(key, value.FromString(v.String()))
	}
}

func (o *object) payload(key string, v *value.Value) {
	if v != nil {
		o.payloadText(key, v)
		o.Set(key+"Details", whole())
	}
}

func (o *object) seconds(key string, d time.Duration) {
	if d > 0 {
		o.Set(key, value.FromInt(int64(d/time.Second)))
	}
}
