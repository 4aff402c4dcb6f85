package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

const fiveSteps = `
QueryLanguage: CEL
StartAt: S1
States:
  S1: {Type: Task, Resource: 'function:step', Arguments: {n: '{% states.input.n %}', step: 1}, Next: S2}
  S2: {Type: Task, Resource: 'function:step', Arguments: {n: '{% states.input.n %}', step: 2}, Next: S3}
  S3: {Type: Task, Resource: 'function:step', Arguments: {n: '{% states.input.n %}', step: 3}, Next: S4}
  S4: {Type: Task, Resource: 'function:step', Arguments: {n: '{% states.input.n %}', step: 4}, Next: S5}
  S5: {Type: Task, Resource: 'function:step', Arguments: {n: '{% states.input.n %}', step: 5}, End: true}
`

// TestKill kills nodes with SIGKILL at random moments while executions run, and holds every execution to its promise:
// it ends exactly once, no step's result is applied twice, and its history has no gap.
//
// TERCEL_KILLS and TERCEL_KILL_EXECUTIONS make it longer.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for a while")
	}
	kills, executions := fromEnv(t, "TERCEL_KILLS", 10), fromEnv(t, "TERCEL_KILL_EXECUTIONS", 400)
	c := newCrash(t)
	nodes := []*crashNode{c.node(), c.node()}
	for _, n := range nodes {
		n.start()
	}
	c.deploy(nodes[0].client())
	var ids []string
	for round := range kills {
		batch := executions*(round+1)/kills - executions*round/kills
		victim := nodes[rand.IntN(len(nodes))]
		// The victim dies while some call of this round is being answered: at a random one of the calls to come.
		due := c.calls.Load() + 1 + rand.Int64N(int64(max(1, batch*5/2)))
		started := make(chan []string, 1)
		go func() { started <- c.startMany(nodes, round, batch) }()
		c.await("the calls before the kill", func() error {
			if now := c.calls.Load(); now < due {
				return fmt.Errorf("%d of %d", now, due)
			}
			return nil
		})
		victim.kill()
		victim.start()
		ids = append(ids, <-started...)
	}
	for _, id := range ids {
		c.check(nodes[0].client(), id)
	}
	if len(ids) != executions {
		t.Errorf("%d executions were started, want %d", len(ids), executions)
	}
	c.checkKeys(executions)
	t.Logf("%d executions, %d kills, %d calls of functions", executions, kills, c.calls.Load())
}

func fromEnv(t *testing.T, name string, fallback int) int {
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// crash is a cluster whose nodes are processes, with the function that its executions call.
type crash struct {
	t        *testing.T
	binary   string
	database string
	store    *store.Store
	function *httptest.Server
	calls    atomic.Int64
	mu       sync.Mutex
	answers  map[string]string // by idempotency key
}

func newCrash(t *testing.T) *crash {
	c := &crash{t: t, binary: filepath.Join(t.TempDir(), "tercel"), answers: map[string]string{}}
	build := exec.Command("go", "build", "-o", c.binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building tercel: %v\n%s", err, out)
	}
	c.database = storetest.Postgres(t)
	pool, err := pgxpool.New(t.Context(), c.database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	c.store = store.New(pool)
	c.function = httptest.NewServer(http.HandlerFunc(c.step))
	t.Cleanup(c.function.Close)
	return c
}

// step adds one to n. The same key must always come with the same body.
func (c *crash) step(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the node died while it sent
	}
	c.calls.Add(1)
	key := r.Header.Get("Idempotency-Key")
	c.mu.Lock()
	before, again := c.answers[key]
	c.answers[key] = string(body)
	c.mu.Unlock()
	if again && before != string(body) {
		c.t.Errorf("key %s came with %s, and before with %s", key, body, before)
	}
	var in struct{ N int }
	if err := json.Unmarshal(body, &in); err != nil {
		c.t.Errorf("the function was called with %q: %v", body, err)
	}
	fmt.Fprintf(w, `{"n": %d}`, in.N+1)
}

// await polls for something that another process brings about, and fails the test if that says why it does not come.
func (c *crash) await(what string, try func() error) {
	c.t.Helper()
	deadline := time.Now().Add(time.Minute)
	err := try()
	for ; err != nil; err = try() {
		if time.Now().After(deadline) {
			c.t.Errorf("waiting for %s: %v", what, err)
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (c *crash) deploy(cl *client.Client) {
	c.t.Helper()
	config := fmt.Sprintf(`{"http": {"url": %q}}`, c.function.URL)
	if _, err := cl.PutFunction(c.t.Context(), "step", []byte(config)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := cl.Deploy(c.t.Context(), "five", []byte(fiveSteps), client.DeployOptions{File: "five.yaml"}); err != nil {
		c.t.Fatal(err)
	}
}

// startMany starts executions on whichever node answers. A start whose answer was lost is asked for again under the same
// name, which must not start a second one.
func (c *crash) startMany(nodes []*crashNode, round, n int) []string {
	ids := make([]string, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			in := wire.Start{Name: fmt.Sprintf("e-%d-%d", round, i), Input: json.RawMessage(`{"n": 0}`)}
			c.await("the start of "+in.Name, func() error {
				started, err := nodes[rand.IntN(len(nodes))].client().Start(c.t.Context(), "five", in)
				ids[i] = started.ID
				return err
			})
		})
	}
	all.Wait()
	return ids
}

// check holds one execution to what its history must be.
func (c *crash) check(cl *client.Client, id string) {
	c.t.Helper()
	x, err := cl.Wait(c.t.Context(), id)
	if err != nil {
		c.t.Fatalf("waiting for execution %s: %v", id, err)
	}
	if x.Status != "SUCCEEDED" || string(x.Output) != `{"n": 5}` && string(x.Output) != `{"n":5}` {
		c.t.Fatalf("execution %s: %s with output %s", id, x.Status, x.Output)
	}
	rows, err := c.store.History(context.Background(), uuid.MustParse(id), 0, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	scheduled, succeeded, ended := map[event.TaskID]int{}, 0, 0
	for i, row := range rows {
		if row.Seq != int64(i) {
			c.t.Fatalf("execution %s: row %d of the history has seq %d", id, i, row.Seq)
		}
		events, err := event.Decode(row.Events)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, ev := range events {
			switch data := ev.Data.(type) {
			case event.TaskScheduled:
				scheduled[data.Task]++
			case event.TaskSucceeded:
				succeeded++
			case event.ExecutionSucceeded:
				ended++
			}
		}
	}
	if len(scheduled) != 5 || succeeded != 5 || ended != 1 {
		c.t.Fatalf("execution %s: tasks scheduled %v, %d results, %d ends", id, scheduled, succeeded, ended)
	}
}

// checkKeys checks that the functions saw one key for each step, however often they were called.
func (c *crash) checkKeys(executions int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.answers) != 5*executions {
		c.t.Errorf("the functions saw %d idempotency keys, want %d", len(c.answers), 5*executions)
	}
}

// crashNode is a node that can be killed and started again.
type crashNode struct {
	*crash
	listen string
	cmd    *exec.Cmd
}

func (c *crash) node() *crashNode {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	defer l.Close()
	n := &crashNode{crash: c, listen: l.Addr().String()}
	c.t.Cleanup(n.kill)
	return n
}

func (n *crashNode) client() *client.Client { return &client.Client{Server: "http://" + n.listen} }

func (n *crashNode) start() {
	n.t.Helper()
	n.cmd = exec.Command(n.binary, "serve", "--database-url", n.database, "--listen", n.listen, "--lease", "1s", "--log-level", "error")
	n.cmd.Stderr = os.Stderr
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.await("a node", func() error {
		resp, err := http.Get("http://" + n.listen + "/readyz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
}

func (n *crashNode) kill() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait() // "signal: killed"
	n.cmd = nil
}
