// Package devpg runs a private Postgres: the one of `tercel dev`, and the one of the tests.
//
// It finds the binaries of an installed Postgres or downloads some, makes a cluster in a folder of its own, and runs it
// for as long as this process lives. The cluster listens on a Unix socket in a folder that only its own user can enter,
// and on a TCP port only if it is asked to. What the cluster stores is durable, unless it is ephemeral.
//
// # Users
//
// Postgres refuses to run as root. Started by root, the cluster runs as the user postgres or, without one, as nobody,
// and its folder belongs to that user.
//
// # Life
//
// Stop ends the cluster. If this process dies without it, the cluster shuts down by itself: on Linux the kernel tells
// it, elsewhere a watchdog process does. A cluster that is nevertheless found running in the folder, with no process
// that holds the folder's lock, is stopped before a new one starts.
package devpg

import (
	"context"
	"errors"
	"log/slog"
)

// Config says what cluster to run.
type Config struct {
	// DataDir is the folder of the cluster: its data, its log, its lock. It is kept between runs. See DefaultDataDir.
	// An ephemeral cluster needs none.
	DataDir string
	// Port is the TCP port on the loopback interface; 0 means none. URL leads to the Unix socket in either case.
	Port int
	// Ephemeral trades durability for speed: no fsync, and without a DataDir nothing is left behind.
	Ephemeral bool
	// Log hears of each step that takes time; nil means nobody. The server's own log is postgres.log in the DataDir.
	Log *slog.Logger
	// DownloadDir keeps downloaded binaries; "" means the cache folder of the user.
	DownloadDir string
}

// The versions of Postgres that Tercel runs on.
const (
	OldestMajor = 15
	NewestMajor = 18
)

// Errors to compare with errors.Is. What Start returns says more, and how to mend it.
var (
	ErrNoPostgres   = errors.New("no usable Postgres")
	ErrInUse        = errors.New("the data folder is in use")
	ErrWrongVersion = errors.New("the data folder belongs to another version of Postgres")
	ErrUnsupported  = errors.New("a private Postgres is not supported on this system")
)

// Start makes the cluster if there is none, starts it, and returns when it accepts connections. The context bounds the
// start, not the life of the cluster.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return start(ctx, config)
}

// Discard removes the cluster in a data folder and everything it stores. It stops a server that an earlier process left
// behind there, and refuses with ErrInUse if a process runs the cluster.
func Discard(ctx context.Context, dataDir string) error { return discardCluster(ctx, dataDir) }
