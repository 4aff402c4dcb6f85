package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// The time limits of a connection. Answers have none of their own: a request that neither waits nor streams ends after
// api.Config.Timeout, and the others live as long as their execution.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = time.Minute
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// Server listens and serves one handler until it is shut down.
type Server struct {
	http     *http.Server
	listener net.Listener
	draining chan struct{}
	drain    sync.Once
	failed   chan error
}

// Listen opens the port. The handler is given to Serve, because it may have to know the address first.
func Listen(ctx context.Context, address string) (*Server, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	return &Server{listener: listener, draining: make(chan struct{}), failed: make(chan error, 1)}, nil
}

// Addr gives the address that the server listens on, with the port that was chosen.
func (s *Server) Addr() netip.AddrPort {
	addr, _ := netip.ParseAddrPort(s.listener.Addr().String()) // a TCP listener has no other
	return addr
}

// URL gives an address at which programs of this machine reach the server.
func (s *Server) URL() string {
	addr := s.Addr()
	host := addr.Addr()
	switch {
	case host.IsUnspecified(), host == netip.AddrFrom4([4]byte{127, 0, 0, 1}):
		host = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	default:
	}
	return "http://" + netip.AddrPortFrom(host, addr.Port()).String()
}

// Draining is closed when the server begins to shut down.
func (s *Server) Draining() <-chan struct{} { return s.draining }

// Serve answers requests from now on, until Shutdown.
func (s *Server) Serve(handler http.Handler, log *slog.Logger) {
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := s.http.Serve(s.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving on %s: %w", s.listener.Addr(), err)
		}
	}()
}

// Failed gives the error with which the server ended by itself.
func (s *Server) Failed() <-chan error { return s.failed }

// Shutdown takes no further requests, lets those in flight end, and cuts the ones that remain when ctx ends. Requests
// that wait and stream end at once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drain.Do(func() { close(s.draining) })
	if s.http == nil {
		return s.listener.Close()
	}
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close() // what remains is cut
		return fmt.Errorf("shutting the server down: %w", err)
	}
	return nil
}
