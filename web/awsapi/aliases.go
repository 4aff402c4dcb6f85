package awsapi

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/tercel-workflows/tercel/engine"
)

// routing is a version with its part of what is started under an alias.
type routing struct {
	Version *string `aws:"required;len=1..256" json:"stateMachineVersionArn"`
	Weight  *int    `aws:"required;range=0..100" json:"weight"`
}

// targets reads a routing configuration: one or two versions of one machine, with weights that sum up to 100.
func targets(list []routing) (machine string, out []engine.Target, err error) {
	wrong := func(format string, args ...any) error {
		return invalid(format, args...).because("INVALID_ROUTING_CONFIGURATION")
	}
	arns, weights, sum := []string{}, []string{}, 0
	for _, r := range list {
		arns, weights, sum = append(arns, *r.Version), append(weights, strconv.Itoa(*r.Weight)), sum+*r.Weight
		parsed, number, err := versionARN(*r.Version)
		if err != nil {
			return "", nil, err
		}
		if machine == "" {
			machine = parsed.name
		}
		if parsed.name != machine {
			return "", nil, wrong("Routing configuration must contain versions of the same state machine. Received: [%s, %s]", arns[0], *r.Version)
		}
		out = append(out, engine.Target{Version: number, Weight: *r.Weight})
	}
	if len(out) == 2 && out[0].Version == out[1].Version {
		return "", nil, wrong("Routing configuration must contain distinct state machine version ARNs. Received: [%s]", strings.Join(arns, ", "))
	}
	if sum != 100 {
		return "", nil, wrong("Sum of routing configuration weights must equal 100. Received: [%s]", strings.Join(weights, ", "))
	}
	return machine, out, nil
}

// aliasFault gives the service's form of an error about an alias.
func aliasFault(err error, arn string) error {
	coded, ok := errors.AsType[*engine.Error](err)
	if ok && (coded.Code == engine.CodeResourceNotFound || coded.Code == engine.CodeStateMachineDoesNotExist) {
		f := fault400("ResourceNotFound", "Request references a resource that does not exist.")
		f.Name = arn
		return f
	}
	return err
}

type createAliasInput struct {
	Description *string   `aws:"len=..256;sensitive"                json:"description"`
	Name        *string   `aws:"required;len=1..80;pattern=alias"   json:"name"`
	Routing     []routing `aws:"required;len=1..2"                  json:"routingConfiguration"`
}

type createAliasOutput struct {
	Arn          string `json:"stateMachineAliasArn"`
	CreationDate epoch  `json:"creationDate"`
}

func (a *API) createStateMachineAlias(ctx context.Context, ns string, in *createAliasInput) (*createAliasOutput, error) {
	machine, list, err := targets(in.Routing)
	if err != nil {
		return nil, err
	}
	made, err := a.eng.CreateAlias(ctx, ns, machine, engine.Alias{Name: *in.Name, Description: text(in.Description), Targets: list})
	if err != nil {
		return nil, aliasFault(err, *in.Routing[0].Version)
	}
	return &createAliasOutput{Arn: a.qualifiedARN(machine, made.Name), CreationDate: epoch(made.CreatedAt)}, nil
}

// aliasARN reads the ARN of an alias.
func aliasARN(arn string) (resource, error) {
	r, err := parseARN(arn, kindMachine)
	if err == nil {
		err = r.unlabelled()
	}
	if err == nil && (r.rest == "" || isVersion(r.rest)) {
		err = invalidARN("The ARN must be that of an alias of a state machine: %s", arn)
	}
	return r, err
}

type aliasInput struct {
	Arn *string `aws:"required;len=1..256" json:"stateMachineAliasArn"`
}

type describeAliasOutput struct {
	Arn          string    `json:"stateMachineAliasArn"`
	Name         string    `json:"name"`
	Description  *string   `json:"description,omitempty"`
	Routing      []routing `json:"routingConfiguration"`
	CreationDate epoch     `json:"creationDate"`
	UpdateDate   epoch     `json:"updateDate"`
}

func (a *API) describeStateMachineAlias(ctx context.Context, ns string, in *aliasInput) (*describeAliasOutput, error) {
	r, err := aliasARN(*in.Arn)
	if err != nil {
		return nil, err
	}
	alias, err := a.eng.Alias(ctx, ns, r.name, r.rest)
	if err != nil {
		return nil, aliasFault(err, r.arn)
	}
	out := &describeAliasOutput{
		Arn: r.arn, Name: alias.Name, Description: optional(alias.Description),
		CreationDate: epoch(alias.CreatedAt), UpdateDate: epoch(alias.UpdatedAt),
	}
	for _, t := range alias.Targets {
		arn := a.qualifiedARN(r.name, strconv.Itoa(t.Version))
		out.Routing = append(out.Routing, routing{Version: &arn, Weight: &t.Weight})
	}
	return out, nil
}

type updateAliasInput struct {
	Arn         *string   `aws:"required;len=1..256" json:"stateMachineAliasArn"`
	Description *string   `aws:"len=..256;sensitive" json:"description"`
	Routing     []routing `aws:"len=1..2"            json:"routingConfiguration"`
}

type updateAliasOutput struct {
	UpdateDate epoch `json:"updateDate"`
}

func (a *API) updateStateMachineAlias(ctx context.Context, ns string, in *updateAliasInput) (*updateAliasOutput, error) {
	r, err := aliasARN(*in.Arn)
	if err != nil {
		return nil, err
	}
	if in.Routing == nil && in.Description == nil {
		return nil, invalid("Either the description or the routingConfiguration must be specified").because("MISSING_REQUIRED_PARAMETER")
	}
	var list []engine.Target
	if in.Routing != nil {
		machine, read, err := targets(in.Routing)
		if err == nil && machine != r.name {
			err = invalid("Routing configuration must contain versions of the alias's own state machine. Received: [%s]", *in.Routing[0].Version).
				because("INVALID_ROUTING_CONFIGURATION")
		}
		if err != nil {
			return nil, err
		}
		list = read
	}
	alias, err := a.eng.UpdateAlias(ctx, ns, r.name, r.rest, list, in.Description)
	if err != nil {
		return nil, aliasFault(err, r.arn)
	}
	return &updateAliasOutput{UpdateDate: epoch(alias.UpdatedAt)}, nil
}

func (a *API) deleteStateMachineAlias(ctx context.Context, ns string, in *aliasInput) (empty, error) {
	r, err := aliasARN(*in.Arn)
	if err != nil {
		return empty{}, err
	}
	return empty{}, aliasFault(a.eng.DeleteAlias(ctx, ns, r.name, r.rest), r.arn)
}

type listAliasesInput struct {
	StateMachineArn *string `aws:"required;len=1..256" json:"stateMachineArn"`
	MaxResults      *int    `aws:"range=0..1000"       json:"maxResults"`
	NextToken       *string `aws:"len=1..1024"         json:"nextToken"`
}

type listAliasesOutput struct {
	Aliases   []aliasItem `json:"stateMachineAliases"`
	NextToken *string     `json:"nextToken,omitempty"`
}

type aliasItem struct {
	Arn          string `json:"stateMachineAliasArn"`
	CreationDate epoch  `json:"creationDate"`
}

func (a *API) listStateMachineAliases(ctx context.Context, ns string, in *listAliasesInput) (*listAliasesOutput, error) {
	r, err := parseARN(*in.StateMachineArn, kindMachine)
	if err == nil {
		err = r.unlabelled()
	}
	if err != nil {
		return nil, err
	}
	version := 0
	if r.rest != "" {
		if _, version, err = versionARN(r.arn); err != nil {
			return nil, err
		}
	}
	page, err := a.page(in.MaxResults, in.NextToken, "ListStateMachineAliases", ns, r.name, strconv.Itoa(version))
	if err != nil {
		return nil, err
	}
	list, err := a.eng.Aliases(ctx, ns, r.name, version, engine.Page{Limit: page.size + 1, After: page.after})
	if err != nil {
		return nil, subject{machine: r.arn}.fault(err)
	}
	list, next := cut(page, list, func(a engine.Alias) string { return a.Name })
	out := &listAliasesOutput{Aliases: make([]aliasItem, 0, len(list)), NextToken: next}
	for _, alias := range list {
		out.Aliases = append(out.Aliases, aliasItem{a.qualifiedARN(r.name, alias.Name), epoch(alias.CreatedAt)})
	}
	return out, nil
}
