package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// MaxDefinition is how large a definition may be, in bytes: the service's quota.
const MaxDefinition = 1 << 20

// Validate compiles the definition of a machine of the type STANDARD and gives all findings.
func (e *Engine) Validate(file string, definition []byte) diag.List {
	return e.ValidateAs(TypeStandard, file, definition)
}

// ValidateAs is Validate for a machine of a type.
func (e *Engine) ValidateAs(kind, file string, definition []byte) diag.List {
	_, diagnostics := compile(kind, file, definition, statemachine.Options{})
	return diagnostics
}

func compile(kind, file string, definition []byte, options statemachine.Options) (*statemachine.Machine, diag.List) {
	if len(definition) > MaxDefinition {
		return nil, diag.List{{
			Severity: diag.Error, Code: "DEFINITION_TOO_LARGE", File: file,
			Message: fmt.Sprintf("the definition has %d bytes; at most %d are allowed", len(definition), MaxDefinition),
		}}
	}
	return compileAs(kind, file, definition, options)
}

// compileAs compiles the definition of a machine of a type.
func compileAs(kind, file string, definition []byte, options statemachine.Options) (*statemachine.Machine, diag.List) {
	options.Express = kind == TypeExpress
	return statemachine.CompileWith(file, definition, options)
}

// Deploy checks a definition and stores it as the machine's newest revision. A definition with errors gives a
// *DefinitionError.
func (e *Engine) Deploy(ctx context.Context, r DeployRequest) (DeployResult, error) {
	r.Namespace = namespaceOr(r.Namespace)
	if err := errors.Join(checkName("state machine", r.Name), checkName("namespace", r.Namespace)); err != nil {
		return DeployResult{}, err
	}
	if err := e.settleType(ctx, &r); err != nil {
		return DeployResult{}, err
	}
	schemas := &schemaFinder{ctx: ctx, functions: e.functions, namespace: r.Namespace}
	machine, diagnostics := compile(r.Type, r.File, r.Definition, statemachine.Options{Function: schemas.find})
	if schemas.err != nil {
		return DeployResult{}, asked(schemas.err)
	}
	if machine == nil {
		return DeployResult{}, &DefinitionError{Diagnostics: diagnostics}
	}
	unknown, err := e.unknownResources(ctx, r, machine)
	if err != nil {
		return DeployResult{}, asked(err)
	}
	result := DeployResult{Warnings: append(diagnostics, unknown...)}
	if r.DryRun {
		return result, nil
	}
	var put PutResult
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		put, err = e.cfg.Store.PutStateMachine(ctx, StateMachine{
			Namespace: r.Namespace, Name: r.Name, Type: r.Type, LogLevel: r.LogLevel, Definition: r.Definition, File: r.File,
		})
		return err
	})
	e.machines.forget()
	result.StateMachine, result.Created, result.Changed = put.StateMachine, put.Created, put.Changed
	return result, err
}

// settleType fills in what a deploy leaves open with what the machine has, and checks it. The type of a machine does not
// change, as in the service: callers rely on what it promises.
func (e *Engine) settleType(ctx context.Context, r *DeployRequest) error {
	if r.Type != "" && r.Type != TypeStandard && r.Type != TypeExpress {
		return errorf(CodeValidation, "the type of state machine %s is %q; it must be STANDARD or EXPRESS", r.Name, r.Type)
	}
	var present StateMachine
	err := e.persist(ctx, func(ctx context.Context) (err error) {
		present, err = e.cfg.Store.StateMachine(ctx, r.Namespace, r.Name)
		return err
	})
	switch {
	case errors.Is(err, ErrNotFound):
		present = StateMachine{Type: cmp.Or(r.Type, TypeStandard)}
	case err != nil:
		return asked(err)
	case r.Type != "" && r.Type != present.Type:
		return errorf(CodeValidation, "state machine %s is of the type %s, which cannot be changed to %s; "+
			"deploy it under another name, or delete it first", r.Name, present.Type, r.Type)
	}
	r.Type = present.Type
	if err := checkLogLevel(*r); err != nil {
		return err
	}
	r.LogLevel = cmp.Or(r.LogLevel, present.LogLevel)
	return nil
}

// unknownResources warns of resources that nobody has registered, and says what is known instead.
func (e *Engine) unknownResources(ctx context.Context, r DeployRequest, machine *statemachine.Machine) (diag.List, error) {
	known, err := e.functions.names(ctx, r.Namespace)
	if err != nil {
		return nil, err
	}
	var warnings diag.List
	for _, resource := range machine.Resources() {
		d := diag.Diagnostic{Severity: diag.Warning, File: r.File}
		if activity, ok := statemachine.ActivityName(resource); ok {
			exists, err := e.activityExists(ctx, activityKey{r.Namespace, activity})
			if err != nil {
				return nil, err
			}
			if !exists {
				d.Code, d.Message = "UNKNOWN_ACTIVITY", fmt.Sprintf("there is no activity %q; tasks that use it will fail until it is created", activity)
				d.Hint = "create it: tercel activity create " + activity
				warnings = append(warnings, d)
			}
			continue
		}
		name, ok := functionName(resource)
		switch {
		case resource == statemachine.ApprovalResource, e.integrations.knows(resource), slices.Contains(known, name):
			continue
		case !ok:
			d.Code, d.Hint = "UNKNOWN_RESOURCE", e.integrations.hint(resource)
			d.Message = fmt.Sprintf("%q is no resource that this engine can call; tasks that use it will fail", resource)
		default:
			d.Code, d.Hint = "UNKNOWN_FUNCTION", functionHint(name, r.Namespace, known)
			d.Message = fmt.Sprintf("function %q is not registered; tasks that use it will fail until it is", name)
		}
		warnings = append(warnings, d)
	}
	return warnings, nil
}

// functionHint says which functions there are instead of one that is not.
func functionHint(name, namespace string, known []string) string {
	if len(known) == 0 {
		return "no function is registered in namespace " + namespace
	}
	hint := "registered are " + strings.Join(known[:min(len(known), 20)], ", ")
	if near := diag.Closest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	return hint
}

// StateMachine gives a machine, by name or ARN, with its newest revision.
func (e *Engine) StateMachine(ctx context.Context, namespace, ref string) (StateMachine, error) {
	name, err := machineRef(ref)
	if err != nil {
		return StateMachine{}, err
	}
	m, err := e.cfg.Store.StateMachine(ctx, namespaceOr(namespace), name)
	if errors.Is(err, ErrNotFound) {
		return m, errorf(CodeStateMachineDoesNotExist, "there is no state machine %q in namespace %s", name, namespaceOr(namespace))
	}
	return m, asked(err)
}

// StateMachines lists machines by name.
func (e *Engine) StateMachines(ctx context.Context, namespace string, page Page) ([]StateMachine, error) {
	list, err := e.cfg.Store.StateMachines(ctx, namespaceOr(namespace), page)
	return list, asked(err)
}

// Revision gives the definition of one revision.
func (e *Engine) Revision(ctx context.Context, revision uuid.UUID) (StateMachine, error) {
	m, err := e.cfg.Store.Revision(ctx, revision)
	if errors.Is(err, ErrNotFound) {
		return m, errorf(CodeResourceNotFound, "there is no revision %s of a state machine", revision)
	}
	return m, asked(err)
}

// DeleteStateMachine removes a machine from the registry; its executions go on and stay readable.
func (e *Engine) DeleteStateMachine(ctx context.Context, namespace, ref string) error {
	name, err := machineRef(ref)
	if err != nil {
		return err
	}
	err = e.persist(ctx, func(ctx context.Context) error {
		return e.cfg.Store.DeleteStateMachine(ctx, namespaceOr(namespace), name)
	})
	e.machines.forget()
	if errors.Is(err, ErrNotFound) {
		return errorf(CodeStateMachineDoesNotExist, "there is no state machine %q in namespace %s", name, namespaceOr(namespace))
	}
	return err
}

// asked turns an error of the database into one that callers understand.
func asked(err error) error {
	if err == nil || permanent(err) {
		return err
	}
	return errors.Join(errorf(CodeServiceUnavailable, "the database does not answer: %v", err), err)
}
