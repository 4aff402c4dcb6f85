package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tercel-workflows/tercel/web/client"
)

// Tercel is a running `tercel dev`.
type Tercel struct {
	*Process
	Server string // base URL
	Binary string
}

// StartTercel starts `tercel dev` in a folder, whose registry file it loads if there is one, and waits until it is ready.
func StartTercel(ctx context.Context, binary, dir string, port int, log io.Writer, args ...string) (*Tercel, error) {
	p, err := Run(ctx, Command{
		Name: "tercel dev", Path: binary, Args: append([]string{"dev", "--port", strconv.Itoa(port)}, args...), Dir: dir, Log: log,
	})
	if err != nil {
		return nil, err
	}
	t := &Tercel{p, fmt.Sprintf("http://127.0.0.1:%d", port), binary}
	ready, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	// The last line that it prints once it serves and has loaded the registry file.
	if _, err := t.AwaitLine(ready, "Ctrl-C stops it."); err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	if err := t.AwaitHTTP(ready, t.Server+"/readyz"); err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	return t, nil
}

// Client gives a client of the server.
func (t *Tercel) Client() *client.Client { return &client.Client{Server: t.Server} }

// Deploy applies a registry file with `tercel deploy`.
func (t *Tercel) Deploy(ctx context.Context, registry string) error {
	cmd := exec.CommandContext(ctx, t.Binary, "deploy", filepath.Base(registry), "--server", t.Server)
	cmd.Dir = filepath.Dir(registry)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("deploying %s: %w\n%s", registry, err, out.String())
	}
	return nil
}
