package engine

import (
	"context"
	"log/slog"
)

// nodeLog adds the id of the node to what its engine logs: the one that it has at that moment, for it gets another when it
// was taken for dead.
type nodeLog struct {
	slog.Handler
	engine *Engine
}

// Handle implements slog.Handler.
func (h nodeLog) Handle(ctx context.Context, r slog.Record) error {
	if node := h.engine.node.Load(); node != nil {
		r = r.Clone()
		r.AddAttrs(slog.String(keyNode, node.ID.String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h nodeLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return nodeLog{h.Handler.WithAttrs(attrs), h.engine}
}

// WithGroup implements slog.Handler.
func (h nodeLog) WithGroup(name string) slog.Handler {
	return nodeLog{h.Handler.WithGroup(name), h.engine}
}
