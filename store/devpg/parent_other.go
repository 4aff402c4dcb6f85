//go:build unix && !linux

package devpg

import "syscall"

// tieToParent has nothing to do: this kernel does not tell a process of the death of its parent.
func tieToParent(*syscall.SysProcAttr) {}

// watchParent starts a process that watches instead.
func watchParent(pid int) (unwatch func(), err error) { return startWatchdog(pid) }
