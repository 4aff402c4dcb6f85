package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/migrations"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/web"
	"github.com/tercel-workflows/tercel/web/peers"
)

// The time limits of a node that starts and ends.
const (
	drainTime    = 10 * time.Second // for requests in flight
	handBackTime = 20 * time.Second // for executions
	connections  = 16               // to the database, unless its URL says pool_max_conns
	bodyRoom     = 64 << 10         // what a request may have besides a payload
	minBody      = 4 << 20
)

// nodeConfig is what a node is made of.
type nodeConfig struct {
	databaseURL  string
	advertise    string // base URL for other nodes; "" to find one
	migrate      bool
	databaseWait time.Duration // how long to wait for the database
	alone        bool          // no other process uses the database: nodes that are in it are gone
	engine       engine.Config // without Store, Peers, Address and Logger
	access       access.Config // without Store and Logger
	proxies      []netip.Prefix
	metrics      string // address of its own for /metrics; "" for the port of the API
	log          *slog.Logger
}

// node is one process that runs executions and serves the API.
type node struct {
	server *web.Server
	engine *engine.Engine
	access *access.Control
	pool   *pgxpool.Pool
	log    *slog.Logger

	telemetry *telemetry
	scraped   *web.Server // answers /metrics, if it has an address of its own
}

// startNode connects to the database, migrates it, starts an engine and serves on a port that is open already.
func startNode(ctx context.Context, server *web.Server, cfg nodeConfig) (_ *node, err error) {
	n := &node{server: server, log: cfg.log}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if err := n.startTelemetry(ctx, cfg.metrics); err != nil {
		return nil, err
	}
	if n.pool, err = connect(ctx, cfg); err != nil {
		return nil, err
	}
	if cfg.migrate {
		if err := migrations.Up(ctx, cfg.databaseURL); err != nil {
			return nil, err
		}
	}
	st := store.New(n.pool)
	if cfg.alone {
		if err := st.LeaveAll(ctx); err != nil {
			return nil, err
		}
	}
	if err := n.startAccess(ctx, st, cfg); err != nil {
		return nil, err
	}
	maxBody := max(minBody, int64(cfg.engine.Limits.Payload)+bodyRoom)
	way := peers.New(func() []byte { return n.engine.PeerKey() }, maxBody)
	config := cfg.engine
	config.Store = st
	config.Secrets = engine.NotifySecrets{
		SMTPPassword: os.Getenv("TERCEL_SMTP_PASSWORD"), WebhookSecret: os.Getenv("TERCEL_WEBHOOK_SECRET"),
	}
	config.Peers = way
	config.Version = version().Version
	config.Address = cfg.advertise
	config.Logger = cfg.log
	config.TracerProvider, config.MeterProvider = n.telemetry.tracerProvider(), n.telemetry.meterProvider()
	if config.Address == "" {
		config.Address = reachable(server)
	}
	if config.PublicURL == "" {
		config.PublicURL = cmp.Or(config.Address, server.URL())
	}
	if u, err := url.Parse(config.PublicURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usagef("--public-url is %q, but must be a URL such as https://tercel.example.com", config.PublicURL)
	}
	made, err := engine.New(config)
	if err != nil {
		return nil, err
	}
	if err := made.Start(ctx); err != nil {
		return nil, fmt.Errorf("starting the engine: %w", err)
	}
	n.engine = made
	server.Serve(web.NewRouter(web.Config{
		Engine: made, Access: n.access, Proxies: cfg.proxies, Peers: way, Version: version(), Logger: cfg.log, MaxBody: maxBody,
		LoopbackOnly: server.Addr().Addr().IsLoopback(), Draining: server.Draining(),
		Metrics: n.metricsHandler(), TracerProvider: config.TracerProvider, MeterProvider: config.MeterProvider,
	}), cfg.log)
	return n, nil
}

// startAccess reads the access keys, and refuses to serve a port that other machines reach while there are none.
func (n *node) startAccess(ctx context.Context, st *store.Store, cfg nodeConfig) error {
	config := cfg.access
	config.Store, config.Logger = st, cfg.log
	control := access.New(config)
	if err := control.Start(ctx); err != nil {
		return err
	}
	n.access = control
	if config.Exposed && !control.HasKeys() {
		return usagef("there is no access key yet, and without one a server listens on this machine only, not on %s.\n"+
			"Make the first key: tercel keys create admin --scope admin --database-url POSTGRES\n"+
			"or listen on 127.0.0.1", n.server.Addr())
	}
	return nil
}

// wait waits until the context ends, or the server or a database of ours does by itself.
func (n *node) wait(ctx context.Context, database <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return nil
	case <-database:
		return errors.New("Postgres has ended by itself; postgres.log in the data folder says why")
	case err := <-n.server.Failed():
		return err
	}
}

// close takes no further work, lets what is in flight end, and hands the executions back.
func (n *node) close() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	if err := n.server.Shutdown(ctx); err != nil {
		n.log.Warn("requests in flight were cut", "error", err)
	}
	cancel()
	if n.engine != nil {
		ctx, cancel := context.WithTimeout(context.Background(), handBackTime)
		if err := n.engine.Shutdown(ctx); err != nil {
			n.log.Warn("the engine did not end cleanly; another node takes its executions over", "error", err)
		}
		cancel()
	}
	if n.access != nil {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		if err := n.access.Close(ctx); err != nil {
			n.log.Error("the audit did not end cleanly", "error", err)
		}
		cancel()
	}
	n.closeTelemetry()
	if n.pool != nil {
		n.pool.Close()
	}
}

// connect opens the pool, and waits for a database that is not there yet.
func connect(ctx context.Context, cfg nodeConfig) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(cfg.databaseURL)
	if err != nil {
		return nil, usagef("the database URL is not valid; it looks like postgres://user:password@host:5432/name: %w", err)
	}
	if !strings.Contains(cfg.databaseURL, "pool_max_conns") {
		config.MaxConns = connections
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	deadline := time.Now().Add(cfg.databaseWait)
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := pool.Ping(ctx)
		var refused *pgconn.PgError
		switch {
		case err == nil:
			return pool, nil
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case errors.As(err, &refused) && !strings.HasPrefix(refused.Code, "57P"): // 57P03: it is starting up
		case time.Now().Add(pause).Before(deadline):
			cfg.log.Info("waiting for the database", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			continue
		}
		pool.Close()
		return nil, &exitError{exitUnreachable, fmt.Errorf("connecting to the database: %w", err)}
	}
}

// reachable gives the URL at which other nodes probably reach this one.
func reachable(server *web.Server) string {
	addr := server.Addr()
	if !addr.Addr().IsUnspecified() {
		return server.URL()
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() {
			return "http://" + netip.AddrPortFrom(p.Addr(), addr.Port()).String()
		}
	}
	return ""
}

// listen opens the port, with help for someone who finds it taken.
func listen(ctx context.Context, address, command string) (*web.Server, error) {
	server, err := web.Listen(ctx, address)
	if err == nil {
		return server, nil
	}
	if isAddressInUse(err) {
		_, port, _ := net.SplitHostPort(address)
		return nil, fmt.Errorf("port %s is taken by another program, maybe another `tercel dev`.\n"+
			"Stop that one, or take another port: %s (and then --server http://127.0.0.1:PORT for the other commands)",
			port, command)
	}
	return nil, err
}

// isConnectError tells whether the database was not reached, or did not let us in.
func isConnectError(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect)
}
