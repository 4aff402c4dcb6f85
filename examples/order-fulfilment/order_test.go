package order_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/examples/local"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// binaries is the folder of the programs that the tests run.
var binaries string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "order-fulfilment-")
	if err == nil {
		defer os.RemoveAll(dir)
		binaries = dir
		err = errors.Join(
			local.Build(ctx, "../../cmd/tercel", filepath.Join(dir, "tercel")),
			local.Build(ctx, "./functions", filepath.Join(dir, "functions")),
		)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// world is Tercel and the shop, as processes.
type world struct {
	t         *testing.T
	ctx       context.Context
	dir       string
	port      int
	tercel    *local.Tercel
	functions string // base URL
}

func newWorld(t *testing.T, args ...string) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, dir: t.TempDir()}
	var err error
	if w.port, err = local.FreePort(); err != nil {
		t.Fatal(err)
	}
	functions, err := local.Run(ctx, local.Command{
		Name: "the shop", Path: filepath.Join(binaries, "functions"), Dir: w.dir, Args: []string{
			"-listen", "127.0.0.1:0", "-tercel", "http://127.0.0.1:" + strconv.Itoa(w.port), "-carrier-delay", "500ms",
		},
	})
	must(t, err)
	t.Cleanup(func() { report(t, functions.Stop()) })
	w.functions, err = functions.AwaitLine(ctx, "listening on ")
	must(t, err)
	must(t, local.CopyExample(".", w.dir, "http://127.0.0.1:7070", w.functions))
	w.start(args...)
	t.Cleanup(func() { report(t, w.tercel.Stop()) })
	return w
}

func (w *world) start(args ...string) {
	w.t.Helper()
	var err error
	w.tercel, err = local.StartTercel(w.ctx, filepath.Join(binaries, "tercel"), w.dir, w.port, nil, args...)
	must(w.t, err)
}

// order places an order: the example's input, with changes.
func (w *world) order(id string, changes map[string]any) wire.Started {
	w.t.Helper()
	text, err := os.ReadFile("input.json")
	must(w.t, err)
	var input map[string]any
	must(w.t, json.Unmarshal(text, &input))
	input["id"] = id
	maps.Copy(input, changes)
	text, err = json.Marshal(input)
	must(w.t, err)
	started, err := w.tercel.Client().Start(w.ctx, "order-fulfilment", wire.Start{Name: id, Input: text})
	must(w.t, err)
	return started
}

// shop is what the shop knows.
type shop struct {
	Stock  map[string]int `json:"stock"`
	Orders map[string]struct {
		ChargeAttempts int            `json:"charge_attempts"`
		Charges        int            `json:"charges"`
		Charged        int            `json:"charged"`
		Refunded       int            `json:"refunded"`
		Reserved       map[string]int `json:"reserved"`
		Booking        string         `json:"booking"`
	} `json:"orders"`
}

func (w *world) shop() (s shop) {
	w.t.Helper()
	resp, err := http.Get(w.functions + "/state")
	must(w.t, err)
	defer resp.Body.Close()
	must(w.t, json.NewDecoder(resp.Body).Decode(&s))
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func report(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// amount is what the example's order costs, in cents.
const amount = 3*890 + 2*1250

// TestOrders places an order for each way that one can go, all at once.
func TestOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--ephemeral")
	cases := []struct {
		id       string
		changes  map[string]any
		status   string
		err      string
		attempts int // to charge the card
		charges  int
		refunded int
	}{
		{"plain", map[string]any{"simulate": map[string]any{}}, "SUCCEEDED", "", 1, 1, 0},
		{"retried", nil, "SUCCEEDED", "", 2, 1, 0},
		{"pickup", map[string]any{"shipping": map[string]any{"method": "pickup"}}, "SUCCEEDED", "", 2, 1, 0},
		{"declined", map[string]any{"simulate": map[string]any{"payment": "declined"}}, "FAILED", "Payment.Declined", 1, 0, 0},
		{"gateway-down", map[string]any{"simulate": map[string]any{"payment": "down"}}, "FAILED", "Payment.GatewayUnavailable", 4, 0, 0},
		{
			"no-stock",
			map[string]any{"lines": []any{map[string]any{"article": "samovar", "quantity": 1, "price": amount}}},
			"FAILED", "Stock.Insufficient", 2, 1, amount,
		},
		{"parcel-lost", map[string]any{"simulate": map[string]any{"carrier": "lost"}}, "FAILED", "Carrier.ParcelLost", 1, 1, amount},
		{
			"carrier-silent",
			map[string]any{
				"simulate": map[string]any{"carrier": "silent"},
				"shipping": map[string]any{"method": "carrier", "answer_within_seconds": 1},
			},
			"FAILED", "States.Timeout", 1, 1, amount,
		},
	}
	ids := map[string]string{}
	for _, c := range cases {
		ids[c.id] = w.order(c.id, c.changes).ID
	}
	ended := map[string]wire.Execution{}
	for _, c := range cases {
		x, err := w.tercel.Client().Wait(w.ctx, ids[c.id])
		must(t, err)
		ended[c.id] = x
	}
	s := w.shop()
	reserved := map[string]int{}
	for _, c := range cases {
		t.Run(c.id, func(t *testing.T) {
			x, o := ended[c.id], s.Orders[c.id]
			if x.Status != c.status || text(x.Error) != c.err {
				t.Errorf("it ended as %s with %q (%s), want %s with %q", x.Status, text(x.Error), text(x.Cause), c.status, c.err)
			}
			if o.ChargeAttempts != c.attempts || o.Charges != c.charges || o.Refunded != c.refunded {
				t.Errorf("the card was charged %d times in %d attempts and %d refunded; want %d in %d, and %d",
					o.Charges, o.ChargeAttempts, o.Refunded, c.charges, c.attempts, c.refunded)
			}
			if undone := c.status == "FAILED"; undone != (o.Booking == "") || undone != (len(o.Reserved) == 0) {
				t.Errorf("the shop has booking %q and reservation %v of an order that ended as %s", o.Booking, o.Reserved, c.status)
			}
			checkOutput(t, c.id, x)
		})
		for article, n := range s.Orders[c.id].Reserved {
			reserved[article] += n
		}
	}
	for article, n := range map[string]int{"tea": 1_000_000, "cup": 1_000_000} {
		if s.Stock[article]+reserved[article] != n {
			t.Errorf("%d of %s in stock and %d reserved make less or more than %d", s.Stock[article], article, reserved[article], n)
		}
	}
}

// checkOutput checks the output of an order that succeeded.
func checkOutput(t *testing.T, id string, x wire.Execution) {
	t.Helper()
	if x.Status != "SUCCEEDED" {
		return
	}
	method, delivery := "carrier", map[string]any{"tracking": "TRK-carrier-" + id, "delivered": true}
	if id == "pickup" {
		method, delivery = "pickup", map[string]any{"waiting_at": "the counter"}
	}
	want := map[string]any{
		"order": id, "paid": float64(amount), "payment": "pay-" + id, "booking": method + "-" + id, "delivery": delivery,
	}
	var got map[string]any
	must(t, json.Unmarshal(x.Output, &got))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the output is %v, want %v", got, want)
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// TestCrash kills Tercel while an order waits for the carrier and another one for its retry, and starts it again.
func TestCrash(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	w := newWorld(t, "--data-dir", data)
	var started []wire.Started
	for i := range 6 {
		started = append(started, w.order(fmt.Sprintf("crash-%d", i), nil))
	}
	// All cards were charged in vain once: the retries wait.
	w.await("the first attempts", func() bool {
		s := w.shop()
		for _, x := range started {
			if s.Orders[x.Name].ChargeAttempts < 1 {
				return false
			}
		}
		return true
	})
	must(t, w.tercel.Kill())
	w.start("--data-dir", data)
	w.await("a parcel", func() bool {
		s := w.shop()
		return s.Orders[started[0].Name].Booking != ""
	})
	must(t, w.tercel.Kill())
	w.start("--data-dir", data)
	for _, x := range started {
		end, err := w.tercel.Client().Wait(w.ctx, x.ID)
		must(t, err)
		if end.Status != "SUCCEEDED" {
			t.Errorf("%s ended as %s: %s %s", x.Name, end.Status, text(end.Error), text(end.Cause))
		}
		if o := w.shop().Orders[x.Name]; o.Charges != 1 || o.Refunded != 0 {
			t.Errorf("%s: the card was charged %d times", x.Name, o.Charges)
		}
		checkOutput(t, x.Name, end)
	}
	// A start with the same name and input is the same order.
	again := w.order(started[0].Name, nil)
	if !again.Existing || again.ID != started[0].ID {
		t.Errorf("a second start made %+v, want %s", again, started[0].ID)
	}
	var refused *client.Error
	if _, err := w.tercel.Client().Start(w.ctx, "order-fulfilment",
		wire.Start{Name: started[0].Name, Input: []byte(`{"other": 1}`)}); !errors.As(err, &refused) {
		t.Errorf("another order of the same name gave %v", err)
	}
}

// await looks for something until it is there.
func (w *world) await(what string, there func() bool) {
	w.t.Helper()
	for !there() {
		select {
		case <-w.ctx.Done():
			w.t.Fatalf("waiting for %s: %v", what, w.ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
