//go:build unix

package devpg

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopOrphan stops a server that runs in a data folder although nobody holds the folder's lock: its process died, and
// it has not noticed yet or is still shutting down. It also removes the pid file of a server that is gone if some other
// process has got its pid since, as happens in containers; Postgres would take that process for the server.
func stopOrphan(ctx context.Context, data string, log *slog.Logger) error {
	pid, ok := runningPostmaster(data)
	if !ok {
		err := os.Remove(filepath.Join(data, "postmaster.pid"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the pid file of an earlier run: %w", err)
		}
		return nil
	}
	log.InfoContext(ctx, "stopping a Postgres that an earlier run left behind", "pid", pid)
	if !killOrphan(pid) {
		return fmt.Errorf("%w: a Postgres that an earlier run left behind (process %d) does not end; kill it", ErrInUse, pid)
	}
	return nil
}

// runningPostmaster gives the pid of the server that runs in a data folder, if one does.
func runningPostmaster(data string) (int, bool) {
	file, err := os.Open(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0, false
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	if !lines.Scan() {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
	if err != nil || pid <= 1 || !alive(pid) || !isPostmaster(pid, data) {
		return 0, false
	}
	return pid, true
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// isPostmaster tells whether a process is the server of a data folder: it works in that folder, and says so.
func isPostmaster(pid int, data string) bool {
	if runtime.GOOS == "linux" {
		if dir, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd")); err == nil {
			resolved, err := filepath.EvalSymlinks(data)
			return err == nil && dir == resolved
		}
	}
	//nolint:noctx // it answers at once
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && bytes.Contains(out, []byte("postgres")) && bytes.Contains(out, []byte(data))
}

// killOrphan ends a server that is not a child of this process, ever less kindly, and reports whether it has ended.
func killOrphan(pid int) bool {
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{
		{syscall.SIGINT, fastTimeout}, {syscall.SIGQUIT, immediateTimeout}, {syscall.SIGKILL, immediateTimeout},
	} {
		_ = syscall.Kill(pid, step.signal)
		deadline := time.Now().Add(step.wait)
		for time.Now().Before(deadline) {
			if !alive(pid) {
				return true
			}
			time.Sleep(askEvery)
		}
	}
	return false
}
