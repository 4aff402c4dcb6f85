package awsapi

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/engine"
)

type createStateMachineInput struct {
	Name               *string                  `aws:"required;len=1..80"                    json:"name"`
	Definition         *string                  `aws:"required;len=1..1048576;sensitive;any" json:"definition"`
	RoleArn            *string                  `aws:"required;len=1..256"                   json:"roleArn"`
	Type               *string                  `aws:"enum=STANDARD|EXPRESS"                 json:"type"`
	Logging            *loggingConfiguration    `json:"loggingConfiguration"`
	Tags               []tag                    `json:"tags"`
	Tracing            *tracingConfiguration    `json:"tracingConfiguration"`
	Publish            *bool                    `json:"publish"`
	VersionDescription *string                  `aws:"len=..256;sensitive"                   json:"versionDescription"`
	Encryption         *encryptionConfiguration `json:"encryptionConfiguration"`
}

type createStateMachineOutput struct {
	StateMachineArn        string  `json:"stateMachineArn"`
	CreationDate           epoch   `json:"creationDate"`
	StateMachineVersionArn *string `json:"stateMachineVersionArn,omitempty"`
}

func (a *API) createStateMachine(ctx context.Context, ns string, in *createStateMachineInput) (*createStateMachineOutput, error) {
	publish, err := publication(in.Publish, in.VersionDescription)
	if err == nil {
		err = checkRole(in.RoleArn)
	}
	if err != nil {
		return nil, err
	}
	c := configurations{in.Logging, in.Tracing, in.Encryption}
	settings, err := c.settings()
	if err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags, *in.Name)
	if err == nil {
		err = checkJSON(*in.Definition)
	}
	if err != nil {
		return nil, err
	}
	m := engine.StateMachine{
		Namespace: ns, Name: *in.Name, Type: text(in.Type), Definition: []byte(*in.Definition), RoleARN: *in.RoleArn, Settings: settings,
	}
	if level := c.logLevel(); level != nil && m.Type == engine.TypeExpress {
		m.LogLevel = *level
	}
	made, err := a.eng.CreateStateMachine(ctx, engine.CreateRequest{StateMachine: m, Tags: tags, Publish: publish})
	arn := a.eng.StateMachineARN(*in.Name)
	if coded, ok := errors.AsType[*engine.Error](err); ok && coded.Code == engine.CodeMachineAlreadyExists {
		return nil, labelled("StateMachineAlreadyExists", "State Machine Already Exists", "%s", arn)
	}
	if err != nil {
		return nil, subject{machine: arn, name: *in.Name}.fault(err)
	}
	return &createStateMachineOutput{
		StateMachineArn: arn, CreationDate: epoch(made.StateMachine.CreatedAt), StateMachineVersionArn: a.versionOf(*in.Name, made.Version),
	}, nil
}

// publication says whether and how to publish.
func publication(publish *bool, description *string) (*engine.Publication, error) {
	if publish == nil || !*publish {
		if description != nil {
			return nil, invalid("Version description can only be set when publish is true")
		}
		return nil, nil //nolint:nilnil // nothing is published
	}
	return &engine.Publication{Description: text(description)}, nil
}

func checkRole(arn *string) error {
	if arn != nil && !strings.HasPrefix(*arn, "arn:") {
		return fault400("InvalidArn", "Invalid Role Arn: '%s'", *arn)
	}
	return nil
}

// qualifiedARN gives the ARN of a version or an alias of a machine.
func (a *API) qualifiedARN(machine, qualifier string) string {
	return a.eng.StateMachineARN(machine) + ":" + qualifier
}

type updateStateMachineInput struct {
	StateMachineArn    *string                  `aws:"required;len=1..256"          json:"stateMachineArn"`
	Definition         *string                  `aws:"len=1..1048576;sensitive;any" json:"definition"`
	RoleArn            *string                  `aws:"len=1..256"                   json:"roleArn"`
	Logging            *loggingConfiguration    `json:"loggingConfiguration"`
	Tracing            *tracingConfiguration    `json:"tracingConfiguration"`
	Publish            *bool                    `json:"publish"`
	VersionDescription *string                  `aws:"len=..256;sensitive"          json:"versionDescription"`
	Encryption         *encryptionConfiguration `json:"encryptionConfiguration"`
}

type updateStateMachineOutput struct {
	UpdateDate             epoch   `json:"updateDate"`
	RevisionID             *string `json:"revisionId,omitempty"`
	StateMachineVersionArn *string `json:"stateMachineVersionArn,omitempty"`
}

func (a *API) updateStateMachine(ctx context.Context, ns string, in *updateStateMachineInput) (*updateStateMachineOutput, error) {
	r, err := machineARN(*in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	if in.Definition == nil && in.RoleArn == nil && in.Logging == nil && in.Tracing == nil && in.Encryption == nil {
		return nil, fault400("MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration, "+
			"the TracingConfiguration, or the EncryptionConfiguration must be specified")
	}
	publish, err := publication(in.Publish, in.VersionDescription)
	if err == nil {
		err = checkRole(in.RoleArn)
	}
	if err != nil {
		return nil, err
	}
	c := configurations{in.Logging, in.Tracing, in.Encryption}
	change := engine.MachineChange{RoleARN: in.RoleArn, LogLevel: c.logLevel()}
	if change.Settings, err = c.settings(); err != nil {
		return nil, err
	}
	if in.Definition != nil {
		if err := checkJSON(*in.Definition); err != nil {
			return nil, err
		}
		change.Definition = []byte(*in.Definition)
	}
	updated, err := a.eng.UpdateStateMachine(ctx, ns, r.name, change, publish)
	if err != nil {
		return nil, subject{machine: r.arn}.fault(err)
	}
	return &updateStateMachineOutput{
		UpdateDate: epoch(time.Now()), RevisionID: optional(updated.StateMachine.RevisionID()),
		StateMachineVersionArn: a.versionOf(r.name, updated.Version),
	}, nil
}

type deleteStateMachineInput struct {
	StateMachineArn *string `aws:"required;len=1..256" json:"stateMachineArn"`
}

func (a *API) deleteStateMachine(ctx context.Context, ns string, in *deleteStateMachineInput) (empty, error) {
	r, err := machineARN(*in.StateMachineArn)
	if err != nil {
		return empty{}, err
	}
	err = a.eng.DeleteStateMachine(ctx, ns, r.name)
	if errors.Is(err, engine.ErrStateMachineDoesNotExist) {
		err = nil // deleting is idempotent
	}
	return empty{}, err
}
