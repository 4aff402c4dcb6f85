package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

const (
	maxBatchWrites = 1000    // durable points that one commit takes at most
	maxBatchBytes  = 8 << 20 // bytes of history that one commit takes, unless a single durable point is larger
	maxPointBytes  = 4 << 20 // bytes of results and arguments after which a durable point takes no further signals
	maxPointCalls  = 2000    // signals that one durable point takes at most
	claimBatch     = 200     // executions that one claim takes at most
)

func (c Config) withDefaults() Config {
	text := func(p *string, d string) {
		if *p == "" {
			*p = d
		}
	}
	text(&c.Region, "us-east-1")
	text(&c.Account, "000000000000")
	text(&c.Version, "dev")
	text(&c.PublicURL, "http://localhost:8083")
	number := func(p *int, d int) {
		if *p == 0 {
			*p = d
		}
	}
	number(&c.MaxLive, 10_000)
	number(&c.MaxStarts, 4_000)
	number(&c.MaxInvocations, 1_000)
	number(&c.MaxQueuedBytes, 64<<20)
	number(&c.Writers, 2)
	number(&c.SnapshotRows, 256)
	number(&c.MachineCache, 1_000)
	number(&c.TraceIterations, 100)
	number(&c.Limits.Payload, 262_144)
	duration := func(p *time.Duration, d time.Duration) {
		if *p == 0 {
			*p = d
		}
	}
	duration(&c.Lease, 10*time.Second)
	duration(&c.ParkAfter, 10*time.Second)
	duration(&c.Poll, time.Second)
	duration(&c.ShutdownGrace, 5*time.Second)
	duration(&c.LinkTTL, 30*24*time.Hour)
	if c.clock == nil {
		c.clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("Store is missing"))
	}
	for name, n := range map[string]int{
		"MaxLive": c.MaxLive, "MaxStarts": c.MaxStarts, "MaxInvocations": c.MaxInvocations, "MaxQueuedBytes": c.MaxQueuedBytes, "Writers": c.Writers, "SnapshotRows": c.SnapshotRows,
		"MachineCache": c.MachineCache, "Limits.Payload": c.Limits.Payload,
	} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("%s is %d; it must be positive", name, n))
		}
	}
	if c.Lease < 500*time.Millisecond {
		errs = append(errs, fmt.Errorf("Lease is %s; it must be at least 500ms", c.Lease))
	}
	if c.Poll < time.Millisecond || c.ShutdownGrace < 0 {
		errs = append(errs, errors.New("Poll must be at least 1ms, and ShutdownGrace not negative"))
	}
	if strings.ContainsAny(c.Region+c.Account, ": /") {
		errs = append(errs, errors.New("Region and Account must not hold colons, spaces or slashes"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("checking the engine's configuration: %w", err)
	}
	return nil
}
