//go:build unix

package devpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// maxLog is how large the server's log may be before a start begins it anew.
	maxLog = 8 << 20
	// How long the server gets to shut down: with a checkpoint, without one, and by itself.
	fastTimeout      = 30 * time.Second
	immediateTimeout = 5 * time.Second
	// askEvery is how often the server is asked whether it is ready.
	askEvery = 20 * time.Millisecond
)

// server is the running postmaster.
type server struct {
	cmd     *exec.Cmd
	logFile string
	logFrom int64 // where this run begins in the log
	exited  chan struct{}
	exitErr error // set before exited is closed
	unwatch func()
}

// startServer starts the postmaster, tied to the life of this process.
func startServer(f *folder, b *binaries, args []string) (*server, error) {
	log, err := os.OpenFile(f.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of Postgres: %w", err)
	}
	defer func() { _ = log.Close() }()
	s := &server{logFile: f.logFile, exited: make(chan struct{}), unwatch: func() {}}
	if info, err := log.Stat(); err == nil {
		s.logFrom = info.Size()
		if s.logFrom > maxLog && log.Truncate(0) == nil {
			s.logFrom = 0
		}
	}
	//nolint:noctx // the server outlives the context of its start; Stop ends it
	s.cmd = exec.Command(b.path("postgres"), append([]string{"-D", f.data}, args...)...)
	s.cmd.Dir, s.cmd.Env = f.root, serverEnv()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = f.account.attributes()
	tieToParent(s.cmd.SysProcAttr)

	started := make(chan error)
	go func() {
		// The kernel takes the end of the thread that started the server for the death of the parent, so the thread is
		// kept for as long as the server runs.
		runtime.LockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			s.exitErr = s.cmd.Wait()
			close(s.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting Postgres: %w", err)
	}
	unwatch, err := watchParent(s.cmd.Process.Pid)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watching over Postgres: %w", err), s.stop())
	}
	s.unwatch = unwatch
	return s, nil
}

// await waits until the server accepts connections and gives one.
func (s *server) await(ctx context.Context, databaseURL string) (*pgx.Conn, error) {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		conn, err := pgx.Connect(ctx, databaseURL)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ticker.C:
		case <-s.exited:
			return nil, fmt.Errorf("starting Postgres: it ended at once (%w); its log says:\n%s", s.exitErr, s.logTail())
		case <-ctx.Done():
			return nil, fmt.Errorf("starting Postgres: it is not ready yet: %w (%w); its log says:\n%s",
				context.Cause(ctx), err, s.logTail())
		}
	}
}

// logTail gives the last lines of this run's log.
func (s *server) logTail() []byte {
	file, err := os.Open(s.logFile)
	if err != nil {
		return []byte(err.Error())
	}
	defer func() { _ = file.Close() }()
	const most = 4 << 10
	from := s.logFrom
	if info, err := file.Stat(); err == nil {
		from = max(from, info.Size()-most)
	}
	text, err := io.ReadAll(io.NewSectionReader(file, from, most))
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(text)
}

// stop asks the server to end, ever less kindly.
func (s *server) stop() error {
	defer s.unwatch()
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{
		{syscall.SIGINT, fastTimeout},       // disconnects everybody, writes a checkpoint
		{syscall.SIGQUIT, immediateTimeout}, // at once; the next start recovers
		{syscall.SIGKILL, immediateTimeout},
	} {
		_ = s.cmd.Process.Signal(step.signal)
		select {
		case <-s.exited:
			return nil
		case <-time.After(step.wait):
		}
	}
	return fmt.Errorf("stopping Postgres: process %d does not end", s.cmd.Process.Pid)
}
