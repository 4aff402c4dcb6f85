// Package engine runs executions of state machines: it owns the live ones, commits what they decide, and then acts on it.
//
// Its one rule is: commit, then act. What an execution decides is durable in the [Store] before any function is called,
// any timer set, or any caller answered because of it. An execution in memory has a mailbox of signals. A few runners
// take executions that have signals, let the functional core of package statemachine decide them, and hand the events as
// one durable point to the writers, which commit whatever has piled up in one transaction. While a durable point commits,
// further signals gather and share the next one.
//
// An execution that only waits, for a time, a callback or a person, leaves memory: it is parked in the database, and
// woken by its time or by a signal, on any node. The primary key of the history keeps two nodes from running one
// execution: the one that writes second loses, and drops its run.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

// Engine runs executions. Make one with New.
type Engine struct {
	cfg          Config
	log          *slog.Logger
	tracer       tracer
	metrics      *metrics
	tokens       tokens
	peerKey      []byte
	linkKey      []byte           // of the links of approvals
	clock        func() time.Time // time.Now but in tests
	machines     *machines
	functions    *functions
	activities   *activities
	integrations *integrations
	own          ownAPI

	node     atomic.Pointer[Node]
	leased   atomic.Bool  // the last renewal succeeded
	registry atomic.Int64 // the version of the registry seen last

	lives    *lives
	flights  *flights
	aside    sync.Map // executions that cannot go on here, by id: error
	hub      *hub
	timers   *timers
	pool     *pool
	runnable *queue[*live]
	writes   *queue[*point]
	reads    *queue[*reading]
	queueing *queue[*queueChange]

	starved  atomic.Bool  // executions wait for room in memory
	looksAt  atomic.Int64 // when the node looks for due executions next, in Unix nanoseconds
	underWay atomic.Int64 // durable points between submission and their having been acted on
	working  atomic.Int64 // runners at work
	frozen   atomic.Bool  // nothing is decided any more
	state    atomic.Int32 // stateNew ...
	counters counters

	reserved atomic.Int64           // room in memory for what is on its way there
	backlog  backlog                // the bytes in writes
	starts   *turnstile[machineKey] // starts under way, by machine
	syncs    *turnstile[machineKey] // synchronous starts that look for room in memory
	signals  *turnstile[struct{}]   // signals for executions that were not in memory
	views    views

	calls, writing         context.Context //nolint:containedctx // they end with the engine, not with a caller
	stopCalls, stopWriting context.CancelFunc
	workers                sync.WaitGroup

	dueLoop, deadLoop, leaseLoop, timerLoop, registryLoop, activityLoop, childLoop, noticeLoop *loop
}

// counters count since the start.
type counters struct {
	commits, writes, fenced, started, ended, parked atomic.Int64
}

// The states of an engine, in order.
const (
	stateNew = iota
	stateRunning
	stateStopping
	stateStopped
)

// New checks the configuration and makes an engine. Start starts it.
func New(cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, log: cfg.Logger, clock: cfg.clock, tracer: newTracer(cfg),
		machines: &machines{store: cfg.Store, size: cfg.MachineCache},
		functions: &functions{
			store: cfg.Store, client: invoke.NewHTTPClient(min(cfg.MaxInvocations, 256)), allowCommands: cfg.AllowCommands,
			inCode: map[string]Func{}, found: map[functionKey]*function{},
		},
		lives:      &lives{set: map[uuid.UUID]*live{}},
		flights:    &flights{pending: map[uuid.UUID]chan struct{}{}},
		hub:        &hub{cells: map[uuid.UUID]map[chan struct{}]struct{}{}},
		timers:     &timers{},
		runnable:   newQueue[*live](),
		writes:     newQueue[*point](),
		reads:      newQueue[*reading](),
		queueing:   newQueue[*queueChange](),
		activities: newActivities(),
	}
	e.log = slog.New(nodeLog{cfg.Logger.Handler(), e})
	e.machines.init()
	e.calls, e.stopCalls = context.WithCancel(context.Background())
	e.writing, e.stopWriting = context.WithCancel(context.Background())
	e.pool = newPool(cfg.MaxInvocations, e.call, e.backlog.full)
	e.backlog.init(cfg.MaxQueuedBytes, e.pool.resume)
	e.starts = newTurnstile[machineKey](cfg.MaxStarts, cfg.MaxQueuedBytes, e.closed, e.writing.Done())
	e.syncs = newTurnstile[machineKey](maxSeekingRoom, cfg.MaxQueuedBytes, e.closed, e.writing.Done())
	e.signals = newTurnstile[struct{}](cfg.MaxStarts, cfg.MaxQueuedBytes, e.closed, e.writing.Done())
	e.dueLoop = newLoop("due executions", e.log, e.claimDue)
	e.deadLoop = newLoop("takeover", e.log, e.claimDead)
	e.leaseLoop = newLoop("lease", e.log, e.renew)
	e.timerLoop = newLoop("timers", e.log, e.tick)
	e.registryLoop = newLoop("registry", e.log, e.refresh)
	e.childLoop = newLoop("children", e.log, e.tellParents)
	e.integrations = e.newIntegrations()
	e.own.ready = make(chan struct{})
	e.activityLoop = newLoop("activities", e.log, e.supplyWorkers)
	e.noticeLoop = newLoop("notices", e.log, e.sendNotices)
	e.timers.loop = e.timerLoop
	node, err := e.newNode()
	if err != nil {
		return nil, err
	}
	if e.metrics, err = newMetrics(cfg); err != nil {
		return nil, err
	}
	e.timers.late = e.metrics.late
	e.node.Store(node)
	return e, nil
}

// Start enters the node into the cluster and starts the loops. They run until Shutdown, whatever becomes of ctx.
func (e *Engine) Start(ctx context.Context) error {
	if !e.state.CompareAndSwap(stateNew, stateRunning) {
		return errors.New("starting the engine: it was started before")
	}
	if err := e.join(ctx); err != nil {
		e.state.Store(stateStopped)
		return fmt.Errorf("starting the engine: %w", err)
	}
	if err := e.metrics.observe(e.Stats); err != nil {
		return err
	}
	e.leased.Store(true)
	for range runtime.GOMAXPROCS(0) {
		e.workers.Go(e.runner)
	}
	for range e.cfg.Writers {
		e.workers.Go(e.writer)
	}
	for range readers {
		e.workers.Go(e.reader)
	}
	e.workers.Go(e.queueWriter)
	for _, l := range e.loops() {
		l.start()
	}
	e.log.Info("the engine has started", "address", e.cfg.Address)
	return nil
}

// join gets the cluster's key and the node's lease.
func (e *Engine) join(ctx context.Context) error {
	key, err := e.cfg.Store.ClusterKey(ctx)
	if err != nil {
		return fmt.Errorf("getting the cluster's key: %w", err)
	}
	e.tokens.key, e.peerKey = derive(key, "task tokens"), derive(key, "calls between nodes")
	e.linkKey = derive(key, "links of approvals")
	e.tokens.callbackKey = derive(key, "callback URLs")
	version, err := e.cfg.Store.RegistryVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the registry: %w", err)
	}
	e.registry.Store(version)
	if err := e.cfg.Store.Register(ctx, e.Node(), e.cfg.Lease); err != nil {
		return fmt.Errorf("registering the node: %w", err)
	}
	return nil
}

func (e *Engine) loops() []*loop {
	return []*loop{e.leaseLoop, e.timerLoop, e.dueLoop, e.deadLoop, e.registryLoop, e.activityLoop, e.childLoop, e.noticeLoop}
}

// now is the clock of decisions.
func (e *Engine) now() time.Time { return e.clock().UTC() }

// stopped tells whether the engine takes no more work.
func (e *Engine) stopped() bool { return e.state.Load() >= stateStopping }

// closed gives the error of calls that come before Start or after Shutdown has begun.
func (e *Engine) closed() error {
	switch e.state.Load() {
	case stateNew:
		return errorf(CodeServiceUnavailable, "the engine has not been started")
	case stateRunning:
		return nil
	default:
		return errStopping
	}
}

// PeerKey is the key with which calls between nodes are signed; the same on all nodes of the cluster. Call it after Start.
func (e *Engine) PeerKey() []byte { return e.peerKey }

// Ready checks that the node has its lease and that the database answers.
func (e *Engine) Ready(ctx context.Context) error {
	switch {
	case e.closed() != nil:
		return e.closed()
	case !e.leased.Load():
		return errorf(CodeServiceUnavailable, "the node could not renew its lease")
	}
	return asked(e.cfg.Store.Ping(ctx))
}

// Stats gives the node's gauges.
func (e *Engine) Stats() Stats {
	s := Stats{
		Live: e.lives.len(), QueuedWrites: e.writes.len(), QueuedBytes: e.backlog.len(),
		Runnable: e.runnable.len(), WaitingReads: e.reads.len(),
		Commits: e.counters.commits.Load(), Writes: e.counters.writes.Load(), Fenced: e.counters.fenced.Load(),
		Started: e.counters.started.Load(), Ended: e.counters.ended.Load(), Parked: e.counters.parked.Load(),
	}
	s.Invocations, s.WaitingInvocations = e.pool.counts()
	s.Starting, s.WaitingStarts = e.starts.counts()
	return s
}
