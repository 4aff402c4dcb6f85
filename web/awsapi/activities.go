package awsapi

import (
	"context"
	"errors"

	"github.com/tercel-workflows/tercel/engine"
)

type createActivityInput struct {
	Name       *string                  `aws:"required;len=1..80" json:"name"`
	Tags       []tag                    `json:"tags"`
	Encryption *encryptionConfiguration `json:"encryptionConfiguration"`
}

type createActivityOutput struct {
	ActivityArn  string `json:"activityArn"`
	CreationDate epoch  `json:"creationDate"`
}

func (a *API) createActivity(ctx context.Context, ns string, in *createActivityInput) (*createActivityOutput, error) {
	if _, err := (configurations{encryption: in.Encryption}).settings(); err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags, *in.Name)
	if err != nil {
		return nil, err
	}
	made, created, err := a.eng.CreateActivity(ctx, ns, *in.Name)
	if err != nil {
		return nil, subject{name: *in.Name}.fault(err)
	}
	if created { // the tags of one that is there stay as they are
		if err := a.retag(ctx, ns, *in.Name, tags); err != nil {
			return nil, err
		}
	}
	return &createActivityOutput{ActivityArn: a.eng.ActivityARN(made.Name), CreationDate: epoch(made.CreatedAt)}, nil
}

// retag gives an activity its tags in the place of those that one of the same name may have had.
func (a *API) retag(ctx context.Context, ns, name string, tags map[string]string) error {
	owner := activityID(ns, name)
	old, err := a.eng.Tags(ctx, owner)
	if err != nil {
		return err
	}
	var keys []string
	for key := range old {
		keys = append(keys, key)
	}
	if len(keys) > 0 {
		if err := a.eng.DeleteTags(ctx, owner, keys); err != nil {
			return err
		}
	}
	if len(tags) == 0 {
		return nil
	}
	return a.eng.PutTags(ctx, owner, tags)
}

type activityInput struct {
	ActivityArn *string `aws:"required;len=1..256" json:"activityArn"`
}

type describeActivityOutput struct {
	ActivityArn  string `json:"activityArn"`
	Name         string `json:"name"`
	CreationDate epoch  `json:"creationDate"`
}

func (a *API) describeActivity(ctx context.Context, ns string, in *activityInput) (*describeActivityOutput, error) {
	r, err := parseARN(*in.ActivityArn, kindActivity)
	if err != nil {
		return nil, err
	}
	found, err := a.eng.DescribeActivity(ctx, ns, r.name)
	if err != nil {
		return nil, activityFault(err, r.arn)
	}
	return &describeActivityOutput{ActivityArn: r.arn, Name: found.Name, CreationDate: epoch(found.CreatedAt)}, nil
}

func activityFault(err error, arn string) error {
	if coded, ok := errors.AsType[*engine.Error](err); ok && coded.Code == engine.CodeActivityDoesNotExist {
		return labelled("ActivityDoesNotExist", "Activity Does Not Exist", "%s", arn)
	}
	return err
}

func (a *API) deleteActivity(ctx context.Context, ns string, in *activityInput) (empty, error) {
	r, err := parseARN(*in.ActivityArn, kindActivity)
	if err != nil {
		return empty{}, err
	}
	err = a.eng.DeleteActivity(ctx, ns, r.name)
	if coded, ok := errors.AsType[*engine.Error](err); ok && coded.Code == engine.CodeActivityDoesNotExist {
		return empty{}, nil // deleting is idempotent
	}
	if err != nil {
		return empty{}, err
	}
	return empty{}, a.retag(ctx, ns, r.name, nil)
}

type listActivitiesInput struct {
	MaxResults *int    `aws:"range=0..1000" json:"maxResults"`
	NextToken  *string `aws:"len=1..1024"   json:"nextToken"`
}

type listActivitiesOutput struct {
	Activities []describeActivityOutput `json:"activities"`
	NextToken  *string                  `json:"nextToken,omitempty"`
}

func (a *API) listActivities(ctx context.Context, ns string, in *listActivitiesInput) (*listActivitiesOutput, error) {
	page, err := a.page(in.MaxResults, in.NextToken, "ListActivities", ns)
	if err != nil {
		return nil, err
	}
	list, err := a.eng.ListActivities(ctx, ns, engine.Page{Limit: page.size + 1, After: page.after})
	if err != nil {
		return nil, err
	}
	list, next := cut(page, list, func(x engine.Activity) string { return x.Name })
	out := &listActivitiesOutput{Activities: make([]describeActivityOutput, 0, len(list)), NextToken: next}
	for _, x := range list {
		out.Activities = append(out.Activities, describeActivityOutput{a.eng.ActivityARN(x.Name), x.Name, epoch(x.CreatedAt)})
	}
	return out, nil
}

type getActivityTaskInput struct {
	ActivityArn *string `aws:"required;len=1..256" json:"activityArn"`
	WorkerName  *string `aws:"len=1..80"           json:"workerName"`
}

type getActivityTaskOutput struct {
	TaskToken *string `json:"taskToken,omitempty"`
	Input     *string `json:"input,omitempty"`
}

// getActivityTask waits for a task for up to a minute, as the service does. Without one the answer is empty.
func (a *API) getActivityTask(ctx context.Context, ns string, in *getActivityTaskInput) (*getActivityTaskOutput, error) {
	r, err := parseARN(*in.ActivityArn, kindActivity)
	if err != nil {
		return nil, err
	}
	request := ctx
	ctx, cancel := a.drained(ctx)
	defer cancel()
	// A worker that has gone while the task was made its own does not keep it from the others.
	task, err := a.eng.HandActivityTask(ctx, ns, r.name, text(in.WorkerName), engine.MaxActivityPoll,
		func(*engine.ActivityTask) error { return request.Err() })
	if err != nil {
		return nil, activityFault(err, r.arn)
	}
	if task == nil {
		return &getActivityTaskOutput{}, nil
	}
	input := string(task.Input)
	return &getActivityTaskOutput{TaskToken: &task.Token, Input: &input}, nil
}

// drained gives a context that ends when the server drains as well.
func (a *API) drained(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if a.cfg.Draining == nil {
		return ctx, cancel
	}
	go func() {
		select {
		case <-a.cfg.Draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
