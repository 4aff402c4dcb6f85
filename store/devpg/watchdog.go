//go:build unix

package devpg

import (
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
)

// startWatchdog starts a shell that reads from a pipe of which only this process has the other end. Nothing is ever
// written: the read ends when this process does, however it does, and then the shell interrupts the server. Unwatch
// ends the shell.
func startWatchdog(pid int) (unwatch func(), err error) {
	//nolint:noctx // it lives as long as the server
	cmd := exec.Command("/bin/sh", "-c", `read -r line; kill -INT "$1"`, "tercel-postgres-watchdog", strconv.Itoa(pid))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	return func() {
		// Killed before the pipe closes: the pid may be another process's by now.
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = pipe.Close()
	}, nil
}
