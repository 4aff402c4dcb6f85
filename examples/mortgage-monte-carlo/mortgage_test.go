package mortgage_test

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/examples/local"
	"github.com/tercel-workflows/tercel/examples/mortgage-monte-carlo/simulation"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

// TestRun runs the state machine with its real functions: however the mortgages are cut into batches the result is that
// of the simulation in this process; and mortgages to which nothing happens are worth what the annuity formula says.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	tercel := start(ctx, t)
	run := func(changes map[string]any) wire.Execution {
		t.Helper()
		started, err := tercel.Client().Start(ctx, "mortgage-monte-carlo", wire.Start{Input: input(t, changes)})
		if err != nil {
			t.Fatal(err)
		}
		x, err := tercel.Client().Wait(ctx, started.ID)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}

	t.Run("any batch size", func(t *testing.T) {
		const n, seed = 1000, 7
		var in struct{ Model simulation.Model }
		decode(t, input(t, nil), &in)
		summary := in.Model.Batch(seed, 0, n)
		report, err := summary.Report()
		if err != nil {
			t.Fatal(err)
		}
		for _, batch := range []int{n, 300, 64} {
			x := run(map[string]any{"mortgages": n, "batch": batch, "seed": seed})
			if x.Status != "SUCCEEDED" {
				t.Fatalf("batches of %d ended as %s: %s", batch, x.Status, cause(x))
			}
			var got simulation.Report
			decode(t, x.Output, &got)
			if !reflect.DeepEqual(got, report) {
				t.Errorf("batches of %d gave\n%+v, want\n%+v", batch, got, report)
			}
		}
	})

	t.Run("closed form", func(t *testing.T) {
		x := run(map[string]any{"mortgages": 40, "batch": 10, "seed": 1, "model": map[string]any{
			"months": 240, "rate": 0.06, "principal_min": 100000, "principal_max": 100000, "ltv_min": 0.5, "ltv_max": 0.5,
			"short_rate": 0.04, "mean_rate": 0.04, "spread": 0.01,
		}})
		if x.Status != "SUCCEEDED" {
			t.Fatalf("ended as %s: %s", x.Status, cause(x))
		}
		var got simulation.Report
		decode(t, x.Output, &got)
		payment := 100_000 * (0.06 / 12) / (1 - math.Pow(1+0.06/12, -240))
		value := payment * (1 - math.Pow(1+0.05/12, -240)) / (0.05 / 12)
		if math.Abs(got.PresentValue-40*value) > 40*0.005 {
			t.Errorf("40 mortgages are worth %.2f, want %.2f", got.PresentValue, 40*value)
		}
		if want := 100 * (100_000 - value) / 100_000; math.Abs(got.MeanLoss-want) > 1e-4 || got.StandardError != 0 {
			t.Errorf("the mean loss is %g ± %g, want %g ± 0", got.MeanLoss, got.StandardError, want)
		}
	})

	t.Run("a model that makes no sense", func(t *testing.T) {
		x := run(map[string]any{"mortgages": 10, "batch": 5, "model": map[string]any{"months": -1}})
		if x.Status != "FAILED" || x.Error == nil || *x.Error != "Simulation.BadInput" {
			t.Errorf("ended as %s: %s", x.Status, cause(x))
		}
	})
}

// start starts Tercel in a copy of the example, with its functions built.
func start(ctx context.Context, t *testing.T) *local.Tercel {
	t.Helper()
	dir := t.TempDir()
	port, err := local.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	for pkg, file := range map[string]string{"../../cmd/tercel": "tercel", "./functions": "bin/mortgage"} {
		if err := local.Build(ctx, pkg, filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	if err := local.CopyExample(".", dir); err != nil {
		t.Fatal(err)
	}
	tercel, err := local.StartTercel(ctx, filepath.Join(dir, "tercel"), dir, port, nil, "--ephemeral")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tercel.Stop(); err != nil {
			t.Error(err)
		}
	})
	return tercel
}

// input is the example's input, with changes.
func input(t *testing.T, changes map[string]any) []byte {
	t.Helper()
	text, err := os.ReadFile("input.json")
	if err != nil {
		t.Fatal(err)
	}
	var in map[string]any
	decode(t, text, &in)
	maps.Copy(in, changes)
	if text, err = json.Marshal(in); err != nil {
		t.Fatal(err)
	}
	return text
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
}

func cause(x wire.Execution) string {
	if x.Error == nil || x.Cause == nil {
		return "no error"
	}
	return *x.Error + ": " + *x.Cause
}
