//go:build unix

package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/tercel-workflows/tercel/store/devpg"
)

// The shared cluster has a keeper: a process that started it, is its parent, and stops it. The keeper is this same test
// binary, started again with envKeep. Three files in the folder say what goes on:
//
//	starting  locked by a process that looks whether there is a cluster, and starts the keeper if there is none
//	users     locked, shared, by every process that uses the cluster, for as long as it lives; the keeper stops the
//	          cluster when it has been able to lock it for itself for a while, and keeps it locked until it is done
//	url       where the cluster is
//
// The system drops locks with the process that holds them, so nothing has to be cleaned up after a crash.
const (
	envKeep = "TERCEL_STORETEST_KEEP"
	// lingerFor is how long the cluster waits for the next user: long enough for the go command to build and start the
	// tests of the next package, short enough that nothing seems to be left behind.
	lingerFor  = 4 * time.Second
	startLimit = time.Minute
	pollEvery  = 25 * time.Millisecond
)

func init() { //nolint:gochecknoinits // a test binary has no other place to become the keeper in
	if folder := os.Getenv(envKeep); folder != "" {
		if err := keep(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// heldOpen keeps the file with the lock that says that this process uses the cluster. If it were collected, it would be
// closed, and the lock be gone while the process lives.
var heldOpen []*os.File

// shared gives the URL of the shared cluster, started if need be. The process is one of its users from then on.
func shared() (string, error) {
	folder := filepath.Join(os.TempDir(), "tercel-test-postgres-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(folder, 0o755); err != nil { // the server's user has to pass
		return "", fmt.Errorf("making the folder of the test cluster: %w", err)
	}
	using, err := lock(filepath.Join(folder, "users"), unix.LOCK_SH)
	if err != nil {
		return "", err
	}
	heldOpen = append(heldOpen, using)
	starting, err := lock(filepath.Join(folder, "starting"), unix.LOCK_EX)
	if err != nil {
		return "", err
	}
	defer func() { _ = starting.Close() }()

	if databaseURL, ok := answers(folder); ok {
		return databaseURL, nil
	}
	return startKeeper(folder)
}

// startKeeper starts the keeper and waits for its cluster.
func startKeeper(folder string) (string, error) {
	if err := os.Remove(filepath.Join(folder, "url")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("removing the address of the last cluster: %w", err)
	}
	binary, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("looking for the test binary: %w", err)
	}
	logPath := filepath.Join(folder, "keeper.log")
	log, err := os.Create(logPath)
	if err != nil {
		return "", fmt.Errorf("making the keeper's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	//nolint:noctx // it outlives this process
	cmd := exec.Command(binary)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), envKeep+"="+folder)
	cmd.Stdout, cmd.Stderr = log, log // not this process's: the go command waits until they are closed
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("starting the keeper of the test cluster: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	limit := time.After(startLimit)
	for {
		if databaseURL, ok := answers(folder); ok {
			return databaseURL, nil
		}
		select {
		case <-ticker.C:
		case err := <-ended:
			said, _ := os.ReadFile(logPath)
			return "", fmt.Errorf("starting a Postgres for the tests: %w: %s", err, bytes.TrimSpace(said))
		case <-limit:
			return "", fmt.Errorf("starting a Postgres for the tests: not ready after %s, see %s", startLimit, logPath)
		}
	}
}

// answers gives the address of the cluster if it answers.
func answers(folder string) (string, bool) {
	text, err := os.ReadFile(filepath.Join(folder, "url"))
	if err != nil {
		return "", false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, string(text))
	if err != nil {
		return "", false
	}
	_ = conn.Close(ctx)
	return string(text), true
}

// keep runs the cluster until nobody has used it for a while.
func keep(folder string) error {
	config := devpg.Config{DataDir: filepath.Join(folder, "cluster"), Ephemeral: true}
	// The cluster is not durable: if it was not shut down, the machine may have died under it, and nothing in it can be
	// relied on. One that does not start is of no use either.
	if _, err := os.Stat(filepath.Join(config.DataDir, "data", "postmaster.pid")); err == nil {
		discard(config.DataDir)
	}
	cluster, err := devpg.Start(context.Background(), config)
	if err != nil && !errors.Is(err, devpg.ErrInUse) {
		discard(config.DataDir)
		cluster, err = devpg.Start(context.Background(), config)
	}
	if err != nil {
		return err
	}
	address := filepath.Join(folder, "url")
	if err := os.WriteFile(address+".new", []byte(cluster.URL()), 0o600); err != nil {
		return errors.Join(err, cluster.Stop())
	}
	if err := os.Rename(address+".new", address); err != nil {
		return errors.Join(err, cluster.Stop())
	}
	users, err := awaitLastUser(filepath.Join(folder, "users"), cluster.Exited())
	if err != nil {
		return errors.Join(err, cluster.Stop())
	}
	// From here on new users wait, and find no cluster when they go on.
	defer func() { _ = users.Close() }()
	return errors.Join(os.Remove(address), cluster.Stop())
}

// discard removes the data of a cluster; devpg stops it first if it still runs.
func discard(dataDir string) {
	if err := devpg.Discard(context.Background(), dataDir); err != nil {
		fmt.Fprintln(os.Stderr, err) // into the keeper's log; the start will tell whether it matters
	}
}

// awaitLastUser gives the lock when nobody has used the cluster for a while, or the cluster has ended.
func awaitLastUser(path string, exited <-chan struct{}) (*os.File, error) {
	idleSince := time.Now()
	for {
		users, err := lock(path, unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EWOULDBLOCK):
			idleSince = time.Now()
		case err != nil:
			return nil, err
		case time.Since(idleSince) >= lingerFor:
			return users, nil
		default:
			_ = users.Close()
		}
		select {
		case <-exited:
			return nil, errors.New("the test cluster has ended by itself")
		case <-time.After(lingerFor / 10):
		}
	}
}

func lock(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a lock: %w", err)
	}
	for {
		err = unix.Flock(int(file.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return file, nil
}
