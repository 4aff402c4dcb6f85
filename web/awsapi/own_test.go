package awsapi_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// ownMachine calls the API of its own cluster, and catches what that refuses.
const ownMachine = `{"QueryLanguage": "JSONata", "StartAt": "Create", "States": {
	"Create": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:createActivity", "Arguments": {
		"Name": "made", "Tags": [{"Key": "Team", "Value": "A"}]}, "Assign": {"arn": "{% $states.result.ActivityArn %}"}, "Next": "Tags"},
	"Tags": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:listTagsForResource", "Arguments": {"ResourceArn": "{% $arn %}"},
		"Assign": {"tags": "{% $states.result.Tags %}"}, "Next": "Describe"},
	"Describe": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:describeActivity", "Arguments": {"ActivityArn": "{% $arn %}"},
		"Assign": {"described": "{% $states.result %}"}, "Next": "Delete"},
	"Delete": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:deleteActivity", "Arguments": {"ActivityArn": "{% $arn %}"}, "Next": "Again"},
	"Again": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:describeActivity", "Arguments": {"ActivityArn": "{% $arn %}"},
		"Catch": [{"ErrorEquals": ["Sfn.ActivityDoesNotExistException"], "Next": "Wrong"}], "End": true},
	"Wrong": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:describeActivity", "Arguments": {},
		"Catch": [{"ErrorEquals": ["Sfn.ValidationException"], "Next": "Unknown"}], "End": true},
	"Unknown": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:makeCoffee", "Arguments": {},
		"Catch": [{"ErrorEquals": ["Sfn.UnknownOperationException"], "Output": {"tags": "{% $tags %}", "described": "{% $described %}"}, "Next": "Done"}], "End": true},
	"Done": {"Type": "Succeed"}}}`

// Tasks reach all operations of the API of their own cluster as aws-sdk:sfn, with names and times as the service's integration has them.
func TestTasksCallOwnAPI(t *testing.T) {
	s := newServer(t)
	out := s.end(s.start(s.create("own", ownMachine), "", "{}"))
	var got struct {
		Tags      []struct{ Key, Value string }
		Described struct{ ActivityArn, CreationDate, Name string }
	}
	if err := json.Unmarshal([]byte(aws.ToString(out.Output)), &got); err != nil {
		t.Fatalf("it ended %s: %s %s", out.Status, aws.ToString(out.Error), aws.ToString(out.Cause))
	}
	same(t, "ARN", got.Described.ActivityArn, *arnOf("activity", "made"))
	same(t, "tags", len(got.Tags), 1)
	same(t, "tag", got.Tags[0].Key+"="+got.Tags[0].Value, "Team=A")
	if len(got.Described.CreationDate) != len("2026-01-02T03:04:05.000Z") {
		t.Errorf("the creation date is %q", got.Described.CreationDate)
	}
	list, err := s.ListActivities(s.ctx, &sfn.ListActivitiesInput{})
	if err != nil || len(list.Activities) != 0 {
		t.Errorf("the activity is still there: %v, %v", list, err)
	}
}
