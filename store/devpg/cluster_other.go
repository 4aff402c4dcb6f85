//go:build !unix

package devpg

import (
	"context"
	"fmt"
	"runtime"
)

// Cluster is a running private Postgres. There is none on this system.
type Cluster struct{}

// URL is empty on this system.
func (*Cluster) URL() string { return "" }

// TCPURL is empty on this system.
func (*Cluster) TCPURL() string { return "" }

// DataDir is empty on this system.
func (*Cluster) DataDir() string { return "" }

// Exited is nil on this system.
func (*Cluster) Exited() <-chan struct{} { return nil }

// Stop has nothing to do on this system.
func (*Cluster) Stop() error { return nil }

// DefaultDataDir gives ErrUnsupported on this system.
func DefaultDataDir() (string, error) { return "", ErrUnsupported }

func start(context.Context, Config) (*Cluster, error) {
	return nil, fmt.Errorf("%w (%s): install Postgres %d to %d and name its database with --database-url",
		ErrUnsupported, runtime.GOOS, OldestMajor, NewestMajor)
}

func discardCluster(context.Context, string) error { return ErrUnsupported }
