package engine

import (
	"encoding/json"
	"time"

	"github.com/tercel-workflows/tercel/engine/invoke"
)

// FunctionConfig is a function of the registry: exactly one of HTTP, Command and Go, and what is common to all.
type FunctionConfig struct {
	HTTP    *invoke.HTTPConfig    `json:"http,omitempty" yaml:"http,omitempty"`
	Command *invoke.CommandConfig `json:"command,omitempty" yaml:"command,omitempty"`
	Go      bool                  `json:"go,omitempty" yaml:"go,omitempty"` // registered by RegisterFunc under this name

	MaxConcurrency int             `json:"max_concurrency,omitempty" yaml:"max_concurrency,omitempty"` // calls at a time on one node; 0: no limit
	Description    string          `json:"description,omitempty" yaml:"description,omitempty"`
	Schema         json.RawMessage `json:"schema,omitempty" yaml:"-"`
}

// FunctionInfo is a function of the registry with its configuration decoded.
type FunctionInfo struct {
	Namespace string
	Name      string
	Config    FunctionConfig
	UpdatedAt time.Time
}
