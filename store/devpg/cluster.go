//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	superuser = "tercel"
	database  = "tercel"
	// socketPort is only the number in the name of the socket, if there is no TCP port to go with it.
	socketPort = 5432
	// startTimeout also covers the recovery after a crash of a cluster that had much to do.
	startTimeout = 2 * time.Minute
)

// Cluster is a running private Postgres.
type Cluster struct {
	folder  *folder
	server  *server
	port    int
	stop    sync.Once
	stopErr error
}

// URL leads to the cluster's database through its Unix socket.
func (c *Cluster) URL() string {
	port := socketPort
	if c.port != 0 {
		port = c.port
	}
	query := url.Values{"host": {c.folder.sockets}, "port": {strconv.Itoa(port)}}
	return (&url.URL{
		Scheme: "postgres", User: url.User(superuser), Path: "/" + database, RawQuery: query.Encode(),
	}).String()
}

// TCPURL leads to it through its TCP port, password included; "" if it has none.
func (c *Cluster) TCPURL() string {
	if c.port == 0 {
		return ""
	}
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, c.folder.password),
		Host: "127.0.0.1:" + strconv.Itoa(c.port), Path: "/" + database,
	}).String()
}

// DataDir is the folder that the cluster is in. It is not the configured one if the user that Postgres runs as cannot
// reach that.
func (c *Cluster) DataDir() string { return c.folder.root }

// Exited is closed when the server has ended, whoever ended it.
func (c *Cluster) Exited() <-chan struct{} { return c.server.exited }

// Stop shuts the cluster down, with connections open or not, and waits until it has. An ephemeral cluster without a
// DataDir of its own is removed.
func (c *Cluster) Stop() error {
	c.stop.Do(func() {
		c.stopErr = c.server.stop()
		c.folder.release()
	})
	return c.stopErr
}

func start(ctx context.Context, config Config) (_ *Cluster, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	account, err := serverAccount()
	if err != nil {
		return nil, err
	}
	f, err := openFolder(config, account)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.release()
		}
	}()
	dataMajor, err := f.dataMajor()
	if err != nil {
		return nil, err
	}
	binaries, err := findBinaries(ctx, config, dataMajor, account)
	if err != nil {
		return nil, err
	}
	if err := stopOrphan(ctx, f.data, config.Log); err != nil {
		return nil, err
	}
	fresh := dataMajor == 0
	if fresh {
		config.Log.InfoContext(ctx, "making a Postgres cluster", "folder", f.root, "version", binaries.version)
		if err := f.initialize(ctx, binaries, config.Ephemeral); err != nil {
			return nil, err
		}
	}
	c := &Cluster{folder: f, port: config.Port}
	if c.server, err = startServer(f, binaries, settings(config, f)); err != nil {
		return nil, err
	}
	if err := c.prepare(ctx); err != nil {
		return nil, errors.Join(err, c.server.stop())
	}
	config.Log.InfoContext(ctx, "Postgres is ready", "folder", f.root, "version", binaries.version)
	return c, nil
}

func discardCluster(ctx context.Context, dataDir string) error {
	account, err := serverAccount()
	if err != nil {
		return err
	}
	config := Config{DataDir: dataDir, Log: slog.New(slog.DiscardHandler)}
	f, err := openFolder(config, account)
	if err != nil {
		return err
	}
	defer f.release()
	if err := stopOrphan(ctx, f.data, config.Log); err != nil {
		return err
	}
	if err := os.RemoveAll(f.data); err != nil {
		return fmt.Errorf("removing the cluster: %w", err)
	}
	return nil
}

// prepare waits until the server answers, and makes what initdb does not.
func (c *Cluster) prepare(ctx context.Context) error {
	conn, err := c.server.await(ctx, c.adminURL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&exists)
	if err != nil {
		return fmt.Errorf("looking for database %q: %w", database, err)
	}
	if !exists {
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize()); err != nil {
			return fmt.Errorf("creating database %q: %w", database, err)
		}
	}
	if c.port == 0 {
		return nil
	}
	if err := c.folder.readPassword(); err != nil {
		return err
	}
	// The password is made of hexadecimal digits, so that it can stand in the statement.
	_, err = conn.Exec(ctx, "ALTER ROLE "+pgx.Identifier{superuser}.Sanitize()+" PASSWORD '"+c.folder.password+"'")
	if err != nil {
		return fmt.Errorf("setting the password for TCP connections: %w", err)
	}
	return nil
}

// adminURL leads to the database that every cluster has.
func (c *Cluster) adminURL() string {
	u, err := url.Parse(c.URL())
	if err != nil {
		return "" // cannot be: the URL has just been printed
	}
	u.Path = "/postgres"
	return u.String()
}

// DefaultDataDir is where `tercel dev` keeps its cluster: in the user's folder for data, and below /var/lib for root,
// whose home the user that Postgres runs as cannot enter.
func DefaultDataDir() (string, error) {
	if os.Geteuid() == 0 {
		return filepath.Join(rootDataDir, "dev"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tercel"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("looking for a folder for data: %w", err)
	}
	return filepath.Join(home, ".local", "share", "tercel"), nil
}

// rootDataDir is the folder for data of root.
const rootDataDir = "/var/lib/tercel"
