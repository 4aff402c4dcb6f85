package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine/schema"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// FunctionConfig is a function of the registry: exactly one of HTTP, Command and Go, and what is common to all.
type FunctionConfig struct {
	HTTP    *invoke.HTTPConfig    `json:"http,omitempty" yaml:"http,omitempty"`
	Command *invoke.CommandConfig `json:"command,omitempty" yaml:"command,omitempty"`
	Go      bool                  `json:"go,omitempty" yaml:"go,omitempty"` // registered by RegisterFunc under this name

	MaxConcurrency int             `json:"max_concurrency,omitempty" yaml:"max_concurrency,omitempty"` // calls at a time on one node; 0: no limit
	Description    string          `json:"description,omitempty" yaml:"description,omitempty"`
	Schema         *FunctionSchema `json:"schema,omitempty" yaml:"schema,omitempty"`
}

// Check says what is wrong with the configuration.
func (c *FunctionConfig) Check() error {
	kinds := 0
	var err error
	if c.HTTP != nil {
		kinds++
		err = c.HTTP.Check()
	}
	if c.Command != nil {
		kinds++
		err = c.Command.Check()
	}
	if c.Go {
		kinds++
	}
	switch {
	case kinds != 1:
		return errors.New("give exactly one of http, command and go")
	case err != nil:
		return err
	case c.MaxConcurrency < 0:
		return fmt.Errorf("max_concurrency is %d; give a positive number, or 0 for no limit", c.MaxConcurrency)
	}
	_, _, err = c.Schema.compile()
	return err
}

// FunctionInfo is a function of the registry with its configuration decoded.
type FunctionInfo struct {
	Namespace string
	Name      string
	Config    FunctionConfig
	UpdatedAt time.Time
}

// functionKey names a function.
type functionKey struct{ namespace, name string }

// function is a function as this node calls it.
type function struct {
	key     functionKey
	config  FunctionConfig
	invoker invoke.Invoker
	starts  bool // it starts jobs, so that tasks can wait for them with .sync

	input, output *schema.Schema // nil: none
}

// functions finds the functions that resources stand for. What it found it keeps until the registry changes.
type functions struct {
	store         Store
	client        *http.Client
	allowCommands bool

	mu      sync.RWMutex
	inCode  map[string]Func // by RegisterFunc
	found   map[functionKey]*function
	changes int // of the registry, seen so far
}

// RegisterFunc registers a Go function of this process under a name, for resources `function:NAME`, in all namespaces.
// A function of that name in the registry that is not `go: true` goes before it.
func (e *Engine) RegisterFunc(name string, f Func) {
	e.functions.mu.Lock()
	e.functions.inCode[name] = f
	e.functions.mu.Unlock()
	e.functions.forget()
}

// forget drops what was found, after a change of the registry.
func (f *functions) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found = map[functionKey]*function{}
	f.changes++
}

func (f *functions) cached(namespace, resource string) (*function, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	name, _ := functionName(resource)
	fn, ok := f.found[functionKey{namespace, name}]
	return fn, ok
}

// lookup finds the function of a resource. One that is not there is found too: as a function that says so when it is
// called. An error means that the registry could not be asked.
func (f *functions) lookup(ctx context.Context, namespace, resource string) (*function, error) {
	name, ok := functionName(resource)
	key := functionKey{namespace, name}
	if !ok {
		return &function{key: key, invoker: missing{name: invoke.ErrUnsupported, cause: fmt.Sprintf(
			"%q is no resource that can be called; name a function, as in function:NAME", resource)}}, nil
	}
	f.mu.RLock()
	changes := f.changes
	f.mu.RUnlock()
	stored, err := f.store.Function(ctx, namespace, name)
	registered := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	fn := &function{key: key}
	if registered {
		if err := json.Unmarshal(stored.Config, &fn.config); err != nil {
			fn.invoker = missing{name: invoke.ErrUnsupported, cause: fmt.Sprintf("the configuration of function %s cannot be read: %v", name, err)}
		}
	} else {
		fn.config.Go = true
	}
	if fn.invoker == nil {
		if fn.invoker, err = f.invoker(ctx, key, fn.config); err != nil {
			return nil, err
		}
	}
	if fn.input, fn.output, err = fn.config.Schema.compile(); err != nil { // by a release that knew better
		fn.invoker = missing{name: invoke.ErrUnsupported, cause: fmt.Sprintf("function %s: %v", name, err)}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changes == changes { // else what was read may be what was there before
		f.found[key] = fn
	}
	return fn, nil
}

func (f *functions) invoker(ctx context.Context, key functionKey, c FunctionConfig) (invoke.Invoker, error) {
	switch {
	case c.HTTP != nil:
		return &invoke.HTTP{Config: *c.HTTP, Client: f.client}, nil
	case c.Command != nil && !f.allowCommands:
		return missing{name: invoke.ErrCommandDisabled, cause: fmt.Sprintf(
			"function %s is a command, and commands are not allowed on this node; allow them in its configuration", key.name)}, nil
	case c.Command != nil:
		return &invoke.Command{Config: *c.Command}, nil
	}
	f.mu.RLock()
	fn := f.inCode[key.name]
	f.mu.RUnlock()
	if fn != nil {
		return fn, nil
	}
	known, err := f.names(ctx, key.namespace)
	if err != nil {
		return nil, err
	}
	list := "none is registered"
	if len(known) > 0 {
		list = "registered are " + strings.Join(known[:min(len(known), 20)], ", ")
	}
	return missing{name: invoke.ErrNotRegistered, cause: fmt.Sprintf("there is no function %s in namespace %s; %s", key.name, key.namespace, list)}, nil
}

// names gives the names of all functions that can be called, in order.
func (f *functions) names(ctx context.Context, namespace string) ([]string, error) {
	stored, err := f.store.Functions(ctx, namespace)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, fn := range stored {
		names = append(names, fn.Name)
	}
	f.mu.RLock()
	for name := range f.inCode {
		names = append(names, name)
	}
	f.mu.RUnlock()
	slices.Sort(names)
	return slices.Compact(names), nil
}

// absent tells whether nobody registered the function.
func (f *function) absent() bool {
	m, ok := f.invoker.(missing)
	return ok && m.name == invoke.ErrNotRegistered
}

// missing stands for a function that cannot be called.
type missing struct{ name, cause string }

// Invoke gives the reason as the task's error.
func (m missing) Invoke(context.Context, *invoke.Invocation) (*value.Value, error) {
	return nil, &invoke.TaskError{Name: m.name, Cause: m.cause}
}

// PutFunction creates or changes a function of the registry.
func (e *Engine) PutFunction(ctx context.Context, namespace, name string, c FunctionConfig) error {
	if err := checkFunctionName(name); err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return errorf(CodeValidation, "function %s: %v", name, err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return errorf(CodeValidation, "function %s: %v", name, err)
	}
	namespace = namespaceOr(namespace)
	if err := checkName("namespace", namespace); err != nil {
		return err
	}
	err = e.persist(ctx, func(ctx context.Context) error {
		return e.cfg.Store.PutFunction(ctx, Function{Namespace: namespace, Name: name, Config: text})
	})
	e.functions.forget()
	return err
}

// Function gives a function of the registry.
func (e *Engine) Function(ctx context.Context, namespace, name string) (FunctionInfo, error) {
	f, err := e.cfg.Store.Function(ctx, namespaceOr(namespace), name)
	if errors.Is(err, ErrNotFound) {
		return FunctionInfo{}, errorf(CodeResourceNotFound, "there is no function %q in namespace %s", name, namespaceOr(namespace))
	}
	if err != nil {
		return FunctionInfo{}, asked(err)
	}
	return decodeFunction(f)
}

func decodeFunction(f Function) (FunctionInfo, error) {
	info := FunctionInfo{Namespace: f.Namespace, Name: f.Name, UpdatedAt: f.UpdatedAt}
	if err := json.Unmarshal(f.Config, &info.Config); err != nil {
		return info, fmt.Errorf("reading the configuration of function %s: %w", f.Name, err)
	}
	return info, nil
}

// Functions lists the functions of a namespace by name.
func (e *Engine) Functions(ctx context.Context, namespace string) ([]FunctionInfo, error) {
	stored, err := e.cfg.Store.Functions(ctx, namespaceOr(namespace))
	if err != nil {
		return nil, asked(err)
	}
	list := make([]FunctionInfo, 0, len(stored))
	for _, f := range stored {
		info, err := decodeFunction(f)
		if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	return list, nil
}

// DeleteFunction removes a function from the registry.
func (e *Engine) DeleteFunction(ctx context.Context, namespace, name string) error {
	err := e.persist(ctx, func(ctx context.Context) error {
		return e.cfg.Store.DeleteFunction(ctx, namespaceOr(namespace), name)
	})
	e.functions.forget()
	if errors.Is(err, ErrNotFound) {
		return errorf(CodeResourceNotFound, "there is no function %q in namespace %s", name, namespaceOr(namespace))
	}
	return err
}
