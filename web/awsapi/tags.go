package awsapi

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
)

type tag struct {
	Key   *string `aws:"len=1..128" json:"key"`
	Value *string `aws:"len=0..256" json:"value"`
}

// tagMap gives tags by their keys.
func tagMap(list []tag, resource string) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range list {
		if t.Key == nil {
			return nil, invalid("1 validation error detected: Value null at 'tags.member.key' failed to satisfy constraint: Member must not be null")
		}
		tags[*t.Key] = text(t.Value)
	}
	if len(tags) > engine.MaxTags {
		return nil, tooManyTags(resource)
	}
	return tags, nil
}

func tooManyTags(resource string) *fault {
	f := fault400("TooManyTags", "Too many tags: there may be %d at the most", engine.MaxTags)
	f.Name = resource
	return f
}

// owner gives the id under which the tags of a state machine or an activity are kept.
func (a *API) owner(ctx context.Context, ns, arn string) (uuid.UUID, error) {
	r, err := parseARN(arn, kindMachine, kindActivity)
	if err == nil && r.kind == kindMachine {
		r, err = machineARN(arn)
	}
	if err != nil {
		return uuid.Nil, err
	}
	var id uuid.UUID
	if r.kind == kindActivity {
		_, err = a.eng.DescribeActivity(ctx, ns, r.name)
		id = activityID(ns, r.name)
	} else {
		var m engine.StateMachine
		m, err = a.eng.StateMachine(ctx, ns, r.name)
		id = m.ID
	}
	if coded, ok := errors.AsType[*engine.Error](err); ok &&
		(coded.Code == engine.CodeStateMachineDoesNotExist || coded.Code == engine.CodeActivityDoesNotExist) {
		f := labelled("ResourceNotFound", "Resource not found", "%s", arn)
		f.Name = arn
		return id, f
	}
	return id, err
}

// activityID gives an id for an activity, which has its name only.
func activityID(ns, name string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("activity/"+ns+"/"+name))
}

type tagResourceInput struct {
	ResourceArn *string `aws:"required;len=1..256" json:"resourceArn"`
	Tags        []tag   `aws:"required"            json:"tags"`
}

func (a *API) tagResource(ctx context.Context, ns string, in *tagResourceInput) (empty, error) {
	owner, err := a.owner(ctx, ns, *in.ResourceArn)
	if err != nil {
		return empty{}, err
	}
	tags, err := tagMap(in.Tags, *in.ResourceArn)
	if err != nil {
		return empty{}, err
	}
	err = a.eng.PutTags(ctx, owner, tags)
	if coded, ok := errors.AsType[*engine.Error](err); ok && coded.Code == engine.CodeTooManyTags {
		return empty{}, tooManyTags(*in.ResourceArn)
	}
	return empty{}, err
}

type untagResourceInput struct {
	ResourceArn *string  `aws:"required;len=1..256" json:"resourceArn"`
	TagKeys     []string `aws:"required;each=1..128" json:"tagKeys"`
}

func (a *API) untagResource(ctx context.Context, ns string, in *untagResourceInput) (empty, error) {
	owner, err := a.owner(ctx, ns, *in.ResourceArn)
	if err != nil {
		return empty{}, err
	}
	return empty{}, a.eng.DeleteTags(ctx, owner, in.TagKeys)
}

type listTagsInput struct {
	ResourceArn *string `aws:"required;len=1..256" json:"resourceArn"`
}

type listTagsOutput struct {
	Tags []tag `json:"tags"`
}

func (a *API) listTagsForResource(ctx context.Context, ns string, in *listTagsInput) (*listTagsOutput, error) {
	owner, err := a.owner(ctx, ns, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := a.eng.Tags(ctx, owner)
	if err != nil {
		return nil, err
	}
	out := &listTagsOutput{Tags: make([]tag, 0, len(tags))}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		out.Tags = append(out.Tags, tag{&key, &value})
	}
	return out, nil
}
