package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/tercel-workflows/tercel/store/devpg"
)

// database is the Postgres of a dev server.
type database struct {
	url       string
	dir       string // of its data, "" if it is not ours
	ephemeral bool
	keeps     bool // ephemeral, but in a folder that was named
	cluster   *devpg.Cluster
}

// openDatabase starts a private Postgres, unless another is named.
func (a *app) openDatabase(ctx context.Context, f devFlags, log *slog.Logger) (*database, error) {
	if f.databaseURL != "" {
		return &database{url: f.databaseURL}, nil
	}
	config := devpg.Config{DataDir: f.dataDir, Ephemeral: f.ephemeral, Log: log}
	if config.DataDir == "" && !f.ephemeral {
		dir, err := devpg.DefaultDataDir()
		if err != nil {
			return nil, err
		}
		config.DataDir = dir
	}
	slow := time.AfterFunc(time.Second, func() { a.notef("Starting Postgres; the first time takes a few seconds.\n") })
	defer slow.Stop()
	cluster, err := devpg.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	return &database{url: cluster.URL(), dir: cluster.DataDir(), ephemeral: f.ephemeral, keeps: f.dataDir != "", cluster: cluster}, nil
}

func (d *database) close() error {
	if d.cluster == nil {
		return nil
	}
	return d.cluster.Stop()
}

// exited is closed when a Postgres of ours has ended by itself; nil if there is none.
func (d *database) exited() <-chan struct{} {
	if d.cluster == nil {
		return nil
	}
	return d.cluster.Exited()
}

func (d *database) describe() string {
	switch {
	case d.cluster == nil:
		return "in the database you named"
	case d.ephemeral && d.keeps:
		return d.dir + ", not durable (--ephemeral)"
	case d.ephemeral:
		return "nowhere: it ends with this run (--ephemeral)"
	default:
		return d.dir + ", kept between runs"
	}
}
