package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/invoke"
)

// values gives what a reader collects: sums and gauges by name and attributes, and the counts of histograms.
func values(t *testing.T, reader sdkmetric.Reader) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Unit == "" || m.Description == "" {
				t.Errorf("%s has the unit %q and the description %q", m.Name, m.Unit, m.Description)
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					got[m.Name+labels(p.Attributes)] = p.Value
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					got[m.Name+labels(p.Attributes)] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					got[m.Name+labels(p.Attributes)] = int64(p.Count)
				}
			case metricdata.Histogram[int64]:
				for _, p := range data.DataPoints {
					got[m.Name+labels(p.Attributes)] = p.Sum
				}
			default:
				t.Errorf("%s is a %T", m.Name, m.Data)
			}
		}
	}
	return got
}

// labels gives the values of attributes, without the namespace, which is always the same here.
func labels(set attribute.Set) string {
	var list []string
	for _, a := range set.ToSlice() {
		if a.Key != "tercel.namespace" {
			list = append(list, a.Value.String())
		}
	}
	return fmt.Sprint(list)
}

func TestMetrics(t *testing.T) {
	b := newBench(t)
	reader := sdkmetric.NewManualReader()
	var k tokens
	b.fn("ask", k.take)
	b.fn("work", func(_ context.Context, info engine.TaskInfo, in json.RawMessage) (any, error) {
		if info.Attempt == 0 {
			return nil, &invoke.TaskError{Name: "Again"}
		}
		return in, nil
	})
	e := b.start(func(c *engine.Config) {
		c.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		c.ParkAfter = -1
	})
	b.deploy(e, "work", task("function:work", `, "Retry": [{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 1}]`))
	b.deploy(e, "fail", `{"QueryLanguage": "CEL", "StartAt": "P", "States": {"P": {"Type": "Pass", "Next": "F"}, "F": {"Type": "Fail", "Error": "No"}}}`)
	b.deploy(e, "ask", task(ask, ""))
	for range 3 {
		b.failed(b.run(e, "fail", "0"), "No")
	}
	b.succeeded(b.run(e, "work", "7"), "7")
	x := b.begin(e, "ask", "0")
	token := k.of(b, x.ID)
	b.parked(e, x.ID)
	if err := e.SendTaskSuccess(b.ctx(), token, []byte("1")); err != nil {
		t.Fatal(err)
	}
	b.succeeded(b.wait(e, x.ID), "1")

	got := values(t, reader)
	stats := e.Stats()
	want := map[string]int64{
		"tercel.execution.starts[fail]": 3, "tercel.execution.starts[work]": 1, "tercel.execution.starts[ask]": 1,
		"tercel.execution.ends[FAILED fail]": 3, "tercel.execution.ends[SUCCEEDED work]": 1, "tercel.execution.ends[SUCCEEDED ask]": 1,
		"tercel.execution.duration[FAILED fail]": 3, "tercel.execution.duration[SUCCEEDED work]": 1, "tercel.execution.duration[SUCCEEDED ask]": 1,
		"tercel.transitions[fail]": 6, "tercel.transitions[work]": 1, "tercel.transitions[ask]": 1,
		"tercel.execution.parks[ask]": 1, "tercel.execution.parks[work]": 1, // for its retry
		"tercel.invocation.duration[work failed]": 1, "tercel.invocation.duration[work succeeded]": 1,
		"tercel.invocation.duration[ask handed_over]": 1,
		"tercel.commit.size[]":                        stats.Writes, "tercel.commit.duration[]": stats.Commits,
		"tercel.executions.live[]": 0, "tercel.queue.writes[]": 0, "tercel.queue.runnable[]": 0, "tercel.queue.reads[]": 0,
		"tercel.queue.size[]":          0,
		"tercel.invocations.running[]": 0, "tercel.invocations.waiting[]": 0,
	}
	lag := "tercel.timer.lag[]"
	if got[lag] == 0 {
		t.Error("no deadline was measured")
	}
	delete(got, lag)
	if !maps.Equal(got, want) {
		for _, key := range slices.Sorted(maps.Keys(got)) {
			if got[key] != want[key] {
				t.Errorf("%s is %d, want %d", key, got[key], want[key])
			}
		}
		for key := range want {
			if _, ok := got[key]; !ok {
				t.Errorf("%s is not there", key)
			}
		}
	}
	if err := e.Shutdown(b.ctx()); err != nil {
		t.Fatal(err)
	}
	for key := range values(t, reader) {
		if strings.HasPrefix(key, "tercel.queue") {
			t.Errorf("%s is told of after the end of the engine", key)
		}
	}
}
