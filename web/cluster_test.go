package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
	"github.com/tercel-workflows/tercel/web/peers"
)

// startNode starts an engine and its server on a store that other nodes share.
func startNode(t *testing.T, s *store.Store) *client.Client {
	t.Helper()
	server, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var eng *engine.Engine
	way := peers.New(func() []byte { return eng.PeerKey() }, 1<<20)
	// No execution leaves memory, so that the other node has to forward.
	eng, err = engine.New(engine.Config{Store: s, Peers: way, Address: server.URL(), ParkAfter: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Serve(web.NewRouter(web.Config{Engine: eng, Peers: way, LoopbackOnly: true, Draining: server.Draining()}), discard())
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := eng.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &client.Client{Server: server.URL()}
}

// TestCluster stops executions through a node that does not have them, and waits for their end there.
func TestCluster(t *testing.T) {
	s := storetest.Open(t)
	here, there := startNode(t, s), startNode(t, s)
	definition := `{"QueryLanguage": "CEL", "StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 600, "End": true}}}`
	if _, err := here.Deploy(t.Context(), "m", []byte(definition), client.DeployOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		started, err := here.Start(t.Context(), "m", wire.Start{})
		if err != nil {
			t.Fatal(err)
		}
		x, err := there.Stop(t.Context(), started.ID, wire.Stop{Error: "E"})
		if err != nil || x.Status != "ABORTED" || x.Error == nil || *x.Error != "E" {
			t.Fatalf("stopped through the other node: %+v, %v", x, err)
		}
		var types []string
		if _, err := there.Events(t.Context(), started.ID, 0, func(e wire.Event) error {
			types = append(types, e.Type)
			return nil
		}); err != nil || strings.Count(strings.Join(types, " "), "ExecutionAborted") != 1 {
			t.Errorf("the other node tells %v, %v", types, err)
		}
	}
}
