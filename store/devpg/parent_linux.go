package devpg

import "syscall"

// tieToParent makes the kernel send the server an interrupt, which is a fast shutdown, when this process dies.
func tieToParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// watchParent has nothing to do where the kernel watches.
func watchParent(int) (unwatch func(), err error) { return func() {}, nil }
