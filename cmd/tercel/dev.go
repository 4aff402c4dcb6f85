package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/cmd/tercel/project"
	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/web"
	"github.com/tercel-workflows/tercel/web/client"
)

// defaultPort is that of Step Functions Local.
const defaultPort = 8083

// devFlags are the flags of dev.
type devFlags struct {
	file, listen, dataDir, databaseURL, logLevel string
	publicURL                                    string
	port                                         int
	ephemeral                                    bool
	calls                                        callFlags
}

func (a *app) devCommand() *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a server on this machine, with a Postgres of its own",
		Long: `Runs one node for development: a private Postgres, the engine and the API, on this machine only. Data is kept between
runs, unless --ephemeral says otherwise.

If there is a tercel.yaml, its functions and state machines are deployed, and again whenever it or a definition
changes. A change that is broken is shown and leaves what is deployed as it is.

Functions may be commands on this machine here. Every flag can be set by the environment as well: --data-dir is
TERCEL_DATA_DIR.`,
		Example: `  tercel dev
  tercel dev --ephemeral --port 0 --file examples/order-fulfilment/tercel.yaml`,
		Args:    args(cobra.NoArgs),
		PreRunE: a.fromEnvironment,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.dev(cmd.Context(), f, cmd.Flags().Changed("file"))
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "file", "f", project.DefaultFile, "registry file to load, and to reload when it changes")
	flags.IntVarP(&f.port, "port", "p", defaultPort, "port to listen on; 0 for any that is free")
	flags.StringVar(&f.listen, "listen", "127.0.0.1", "address to listen on")
	flags.BoolVar(&f.ephemeral, "ephemeral", false, "keep nothing: the data ends with this run")
	flags.StringVar(&f.dataDir, "data-dir", "", "folder of the data")
	flags.StringVar(&f.databaseURL, "database-url", "", "use this Postgres, not a private one")
	flags.StringVar(&f.publicURL, "public-url", "", "URL at which others reach this server, such as that of a tunnel, for links and callbacks")
	f.calls.register(flags)
	flags.StringVar(&f.logLevel, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

func (a *app) dev(ctx context.Context, f devFlags, fileNamed bool) (err error) {
	began := time.Now()
	log, err := newLogger(a.err, f.logLevel, "text")
	if err != nil {
		return err
	}
	if err := f.check(fileNamed); err != nil {
		return err
	}
	integrations, err := f.calls.config()
	if err != nil {
		return err
	}
	integrations.Allow = append(integrations.Allow, loopback...)
	address := net.JoinHostPort(f.listen, strconv.Itoa(f.port))
	server, err := listen(ctx, address, "tercel dev --port PORT")
	if err != nil {
		return err
	}
	db, err := a.openDatabase(ctx, f, log)
	if err != nil {
		_ = server.Shutdown(ctx) // nothing is served yet
		return err
	}
	defer func() {
		if e := db.close(); e != nil && err == nil {
			err = fmt.Errorf("stopping Postgres: %w", e)
		}
	}()
	n, err := startNode(ctx, server, nodeConfig{
		databaseURL: db.url, migrate: true, databaseWait: 10 * time.Second, log: log,
		engine: engine.Config{AllowCommands: true, PublicURL: f.publicURL, Integrations: integrations}, alone: db.cluster != nil,
		access: access.Config{Open: server.Addr().Addr().IsLoopback()},
	})
	if err != nil {
		return err
	}
	defer n.close()
	if !n.access.Required() && !server.Addr().Addr().IsLoopback() {
		a.notef("Warning: whoever reaches %s may run anything on this machine. Keep to 127.0.0.1 unless you trust your network, or "+
			"make an access key: tercel keys create me --scope admin --server %s\n", server.Addr(), server.URL())
	}
	l := newLoader(a, f.file, &client.Client{Server: server.URL(), Namespace: a.namespace, Key: a.key})
	l.load(ctx)
	if err := a.announce(server, db, l, time.Since(began)); err != nil {
		return err
	}
	go l.watch(ctx)
	err = n.wait(ctx, db.exited())
	if f.ephemeral {
		a.notef("\nStopping.\n")
	} else {
		a.notef("\nStopping. Executions in flight go on at the next start.\n")
	}
	return err
}

func (f devFlags) check(fileNamed bool) error {
	if f.port < 0 || f.port > 65535 {
		return usagef("--port is %d, but must be a number from 0 to 65535", f.port)
	}
	if f.databaseURL != "" && (f.ephemeral || f.dataDir != "") {
		return usagef("--database-url excludes --ephemeral and --data-dir, which are about a private Postgres")
	}
	if _, err := os.Stat(f.file); fileNamed && errors.Is(err, fs.ErrNotExist) {
		return &exitError{exitNotFound, fmt.Errorf("there is no file %s", f.file)}
	}
	return nil
}

// announcement is what dev prints with --json once it is ready.
type announcement struct {
	URL         string `json:"url"`
	DatabaseURL string `json:"databaseUrl"`
	DataDir     string `json:"dataDir,omitempty"`
	PID         int    `json:"pid"`
}

// announce says where everything is and what to do next.
func (a *app) announce(server *web.Server, db *database, l *loader, took time.Duration) error {
	url := server.URL()
	if a.json {
		return a.printJSON(announcement{url, db.url, db.dir, os.Getpid()})
	}
	a.printf("\n%s  %s\n\n", a.paint(bold, "Tercel is running at "+url), a.paint(dim, "(ready in "+span(took)+")"))
	a.printf("  data       %s\n", db.describe())
	a.printf("  database   %s\n", db.url)
	a.printf("  registry   %s\n", l.describe())
	a.printf("\nIn another terminal:\n")
	if url != defaultServer {
		a.printf("  export TERCEL_SERVER=%s\n", url)
	}
	flag := ""
	if ns := l.client.Namespace; ns != "" {
		flag = " --namespace " + ns
	}
	if name := l.firstMachine(); name != "" {
		a.printf("  tercel start %s --input '{}' --watch%s\n", name, flag)
	} else {
		a.printf("  tercel deploy order.asl.yaml\n  tercel start order --input '{}' --watch\n")
	}
	a.printf("  tercel list%s\n\nCtrl-C stops it.\n\n", flag)
	return nil
}
