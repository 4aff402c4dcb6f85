package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/web"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	databaseURL, listen, advertise string
	maxLive, maxInvocations        int
	maxStarts, maxQueued           int
	writers, maxPayload            int
	lease, grace, databaseWait     time.Duration
	allowCommands, noMigrate       bool
	calls                          callFlags
	region, account                string
	publicURL                      string
	logLevel, logFormat            string
	trustedProxies                 []string
	auditRetention                 time.Duration
	metricsListen                  string
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a node of a cluster on a Postgres of yours",
		Long: `Runs one node: it serves the API and runs executions. Any number of nodes on the same database make a cluster; a node
that ends hands its executions to the others, and those of a node that dies are taken over.

Every flag can be set by the environment as well: --max-live is TERCEL_MAX_LIVE.

Once there is an access key (tercel keys create), every request must carry one. Without any, it listens on this machine
only, where whoever reaches the port may do everything.`,
		Example: `  tercel serve --database-url postgres://tercel:secret@db:5432/tercel
  TERCEL_DATABASE_URL=... tercel serve --listen 0.0.0.0:8083 --advertise-url http://10.0.0.7:8083`,
		Args:    args(cobra.NoArgs),
		PreRunE: a.fromEnvironment,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.databaseURL, "database-url", "", "Postgres, such as postgres://user:password@host:5432/name (required)")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8083", "address and port to listen on")
	flags.StringVar(&f.advertise, "advertise-url", "", "URL at which other nodes reach this one; found out if not given")
	flags.IntVar(&f.maxLive, "max-live", 0, "executions in memory at a time; those beyond it wait (default 10000)")
	flags.IntVar(&f.maxStarts, "max-starts", 0, "starts under way at a time; further callers wait (default 4000)")
	flags.IntVar(&f.maxQueued, "max-queued-bytes", 0, "bytes of history that wait for a commit (default 67108864)")
	flags.IntVar(&f.maxInvocations, "max-invocations", 0, "function calls in flight at a time (default 1000)")
	flags.IntVar(&f.writers, "writers", 0, "connections that commit (default 2)")
	flags.IntVar(&f.maxPayload, "max-payload", 0, "bytes of an input, output or result (default 262144)")
	flags.DurationVar(&f.lease, "lease", 0, "how long a node that does not answer keeps its executions (default 10s)")
	flags.DurationVar(&f.grace, "grace", 0, "how long a node that ends waits for function calls in flight (default 5s)")
	flags.DurationVar(&f.databaseWait, "database-wait", time.Minute, "how long to wait for a database that does not answer yet")
	flags.BoolVar(&f.allowCommands, "allow-commands", false, "let functions run commands on this machine")
	f.calls.register(flags)
	flags.BoolVar(&f.noMigrate, "no-migrate", false, "leave the tables as they are (see tercel migrate)")
	flags.StringVar(&f.publicURL, "public-url", "", "URL at which people and other systems reach the cluster, for links and callbacks "+
		"(default that of --advertise-url)")
	flags.StringVar(&f.region, "region", "", "region in ARNs (default us-east-1)")
	flags.StringVar(&f.account, "account", "", "account in ARNs (default 000000000000)")
	flags.StringSliceVar(&f.trustedProxies, "trusted-proxies", nil,
		"addresses or networks of proxies whose X-Forwarded-For is believed; several with commas")
	flags.DurationVar(&f.auditRetention, "audit-retention", 0, "how long entries of the audit are kept, such as 8760h (default for ever)")
	flags.StringVar(&f.metricsListen, "metrics-listen", "", "address and port for /metrics alone, without a key; default: the port of the API")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&f.logFormat, "log-format", "text", "text or json")
	return cmd
}

func (a *app) serve(ctx context.Context, f serveFlags) error {
	if f.databaseURL == "" {
		return usagef("serve needs a Postgres: --database-url postgres://user:password@host:5432/name, or TERCEL_DATABASE_URL.\n" +
			"To try Tercel without one: tercel dev")
	}
	if u, err := url.Parse(f.advertise); f.advertise != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return usagef("--advertise-url is %q, but must be a URL such as http://10.0.0.7:8083", f.advertise)
	}
	log, err := newLogger(a.err, f.logLevel, f.logFormat)
	if err != nil {
		return err
	}
	config, err := f.engineConfig()
	if err != nil {
		return err
	}
	proxies, err := web.ParseProxies(f.trustedProxies)
	if err != nil {
		return usagef("--trusted-proxies: %w", err)
	}
	server, err := listen(ctx, f.listen, "--listen 127.0.0.1:PORT")
	if err != nil {
		return err
	}
	n, err := startNode(ctx, server, nodeConfig{
		databaseURL: f.databaseURL, advertise: f.advertise, migrate: !f.noMigrate, databaseWait: f.databaseWait,
		engine: config, log: log, proxies: proxies, metrics: f.metricsListen,
		access: access.Config{Exposed: !server.Addr().Addr().IsLoopback(), AuditRetention: f.auditRetention},
	})
	if err != nil {
		return err
	}
	if !n.access.Required() {
		log.Warn("there are no access keys yet: whoever reaches this port may do everything", "listen", f.listen)
	}
	log.Info("serving", "url", server.URL(), "node", n.engine.Node().ID, "address", n.engine.Node().Address,
		"version", version().Version)
	err = n.wait(ctx, nil)
	log.Info("shutting down")
	n.close()
	log.Info("ended")
	return err
}

func (f serveFlags) engineConfig() (engine.Config, error) {
	for name, n := range map[string]int{
		"max-live": f.maxLive, "max-starts": f.maxStarts, "max-queued-bytes": f.maxQueued,
		"max-invocations": f.maxInvocations, "writers": f.writers, "max-payload": f.maxPayload,
	} {
		if n < 0 {
			return engine.Config{}, usagef("--%s is %d, but must be positive", name, n)
		}
	}
	if f.lease < 0 || f.grace < 0 || f.auditRetention < 0 {
		return engine.Config{}, usagef("--lease, --grace and --audit-retention must be positive")
	}
	integrations, err := f.calls.config()
	if err != nil {
		return engine.Config{}, err
	}
	return engine.Config{
		Integrations: integrations,
		PublicURL:    f.publicURL, Region: f.region, Account: f.account,
		MaxLive: f.maxLive, MaxStarts: f.maxStarts, MaxQueuedBytes: f.maxQueued, MaxInvocations: f.maxInvocations, Writers: f.writers,
		Lease: f.lease, ShutdownGrace: f.grace, AllowCommands: f.allowCommands,
		Limits: statemachine.Limits{Payload: f.maxPayload},
	}, nil
}

// fromEnvironment sets the flags that were not given from variables such as TERCEL_MAX_LIVE.
func (a *app) fromEnvironment(cmd *cobra.Command, _ []string) error {
	var bad error
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		name := "TERCEL_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		text := a.getenv(name)
		if flag.Changed || text == "" || cmd.InheritedFlags().Lookup(flag.Name) != nil || bad != nil {
			return
		}
		if err := cmd.Flags().Set(flag.Name, text); err != nil {
			bad = usagef("the environment variable %s: %w", name, err)
		}
	})
	return bad
}

// newLogger makes the log of a server.
func newLogger(out io.Writer, level, format string) (*slog.Logger, error) {
	var options slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usagef("--log-level is %q, but must be debug, info, warn or error", level)
	}
	options.Level = l
	switch format {
	case "text":
		return slog.New(spanIDs{slog.NewTextHandler(out, &options)}), nil
	case "json":
		return slog.New(spanIDs{slog.NewJSONHandler(out, &options)}), nil
	default:
		return nil, usageError(fmt.Errorf("--log-format is %q, but must be text or json", format))
	}
}
