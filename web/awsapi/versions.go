package awsapi

import (
	"context"
	"strconv"

	"github.com/tercel-workflows/tercel/engine"
)

// versionOf gives the ARN of a version, nil for none.
func (a *API) versionOf(machine string, v *engine.Version) *string {
	if v == nil {
		return nil
	}
	arn := a.qualifiedARN(machine, strconv.Itoa(v.Number))
	return &arn
}

type publishInput struct {
	StateMachineArn *string `aws:"required;len=1..256"   json:"stateMachineArn"`
	RevisionID      *string `json:"revisionId"`
	Description     *string `aws:"len=..256;sensitive"   json:"description"`
}

type publishOutput struct {
	CreationDate           epoch   `json:"creationDate"`
	StateMachineVersionArn *string `json:"stateMachineVersionArn"`
}

func (a *API) publishStateMachineVersion(ctx context.Context, ns string, in *publishInput) (*publishOutput, error) {
	r, err := machineARN(*in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	v, err := a.eng.PublishVersion(ctx, ns, r.name, engine.Publication{Description: text(in.Description), Expect: text(in.RevisionID)})
	if err != nil {
		return nil, subject{machine: r.arn}.fault(err)
	}
	return &publishOutput{CreationDate: epoch(v.CreatedAt), StateMachineVersionArn: a.versionOf(r.name, &v)}, nil
}

type listVersionsInput struct {
	StateMachineArn *string `aws:"required;len=1..256" json:"stateMachineArn"`
	MaxResults      *int    `aws:"range=0..1000"       json:"maxResults"`
	NextToken       *string `aws:"len=1..1024"         json:"nextToken"`
}

type listVersionsOutput struct {
	Versions  []versionItem `json:"stateMachineVersions"`
	NextToken *string       `json:"nextToken,omitempty"`
}

type versionItem struct {
	StateMachineVersionArn *string `json:"stateMachineVersionArn"`
	CreationDate           epoch   `json:"creationDate"`
}

func (a *API) listStateMachineVersions(ctx context.Context, ns string, in *listVersionsInput) (*listVersionsOutput, error) {
	r, err := machineARN(*in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	page, err := a.page(in.MaxResults, in.NextToken, "ListStateMachineVersions", ns, r.name)
	if err != nil {
		return nil, err
	}
	before, _ := strconv.Atoi(page.after) // sealed: it is a number, or absent
	versions, err := a.eng.Versions(ctx, ns, r.name, before, page.size+1)
	if err != nil {
		return nil, subject{machine: r.arn}.fault(err)
	}
	versions, next := cut(page, versions, func(v engine.Version) string { return strconv.Itoa(v.Number) })
	out := &listVersionsOutput{Versions: make([]versionItem, 0, len(versions)), NextToken: next}
	for _, v := range versions {
		out.Versions = append(out.Versions, versionItem{a.versionOf(r.name, &v), epoch(v.CreatedAt)})
	}
	return out, nil
}

type deleteVersionInput struct {
	Arn *string `aws:"required;len=1..2000" json:"stateMachineVersionArn"`
}

func (a *API) deleteStateMachineVersion(ctx context.Context, ns string, in *deleteVersionInput) (empty, error) {
	r, number, err := versionARN(*in.Arn)
	if err != nil {
		return empty{}, err
	}
	return empty{}, a.eng.DeleteVersion(ctx, ns, r.name, number)
}

// versionARN reads the ARN of a version.
func versionARN(arn string) (resource, int, error) {
	r, err := parseARN(arn, kindMachine)
	if err == nil {
		err = r.unlabelled()
	}
	if err != nil {
		return r, 0, err
	}
	number, err := strconv.ParseInt(r.rest, 10, 32)
	if !isVersion(r.rest) || err != nil || number == 0 {
		return r, 0, invalidARN("The ARN must be that of a version of a state machine: %s", arn)
	}
	return r, int(number), nil
}
