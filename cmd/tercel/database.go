package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/tercel-workflows/tercel/store/devpg"
)

// database is the Postgres of a dev server.
type database struct {
	url       string
	dir       string // of its data, "" if it is not ours
	ephemeral bool
	cluster   *devpg.Cluster
}

// openDatabase starts a private Postgres, unless another is named.
func (a *app) openDatabase(ctx context.Context, f devFlags, log *slog.Logger) (*database, error) {
	if f.databaseURL != "" {
		return &database{url: f.databaseURL}, nil
	}
	config := devpg.Config{DataDir: f.dataDir, Ephemeral: f.ephemeral, Logger: log}
	if config.DataDir == "" && !f.ephemeral {
		config.DataDir = a.dataDir()
	}
	slow := time.AfterFunc(time.Second, func() { a.notef("Starting Postgres; the first time takes a few seconds.\n") })
	defer slow.Stop()
	cluster, err := devpg.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	return &database{url: cluster.URL(), dir: config.DataDir, ephemeral: f.ephemeral, cluster: cluster}, nil
}

// dataDir gives the folder for data of this user. Postgres refuses to run as root, so that root's data must lie where
// another user reaches it, which a home folder is not.
func (a *app) dataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/tercel/postgres"
	}
	base := a.getenv("XDG_DATA_HOME")
	if base == "" {
		base = filepath.Join(a.getenv("HOME"), ".local", "share")
	}
	return filepath.Join(base, "tercel", "postgres")
}

func (d *database) close() error {
	if d.cluster == nil {
		return nil
	}
	return d.cluster.Stop()
}

func (d *database) describe() string {
	switch {
	case d.cluster == nil:
		return "in the database you named"
	case d.ephemeral:
		return "nowhere: it ends with this run (--ephemeral)"
	default:
		return d.dir + ", kept between runs"
	}
}
