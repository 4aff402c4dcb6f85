//go:build !unix

package invoke

import "os/exec"

// Without process groups only the process itself is killed.
func ownGroup(*exec.Cmd)  {}
func killGroup(*exec.Cmd) {}
