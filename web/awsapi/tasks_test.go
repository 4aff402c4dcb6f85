package awsapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/tercel-workflows/tercel/engine"
)

// keeper registers the function "keep", which hands the token that it is given on.
func (s *server) keeper() <-chan string {
	tokens := make(chan string, 10)
	s.engine.RegisterFunc("keep", func(_ context.Context, _ engine.TaskInfo, in json.RawMessage) (any, error) {
		var payload struct{ Token string }
		if err := json.Unmarshal(in, &payload); err != nil {
			return nil, err
		}
		tokens <- payload.Token
		return nil, nil
	})
	return tokens
}

func TestCallbacks(t *testing.T) {
	s := newServer(t)
	tokens := s.keeper()
	machine := s.create("asks", tokenMachine)

	x := s.start(machine, "", "{}")
	token := <-tokens
	if _, err := s.SendTaskHeartbeat(s.ctx, &sfn.SendTaskHeartbeatInput{TaskToken: &token}); err != nil {
		t.Fatal(err)
	}
	_, err := s.SendTaskSuccess(s.ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String("not json")})
	refused(t, err, "InvalidOutput", "")
	if _, err := s.SendTaskSuccess(s.ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(`{"ok": true}`)}); err != nil {
		t.Fatal(err)
	}
	same(t, "output", *s.end(x).Output, `{"ok": true}`)
	_, err = s.SendTaskSuccess(s.ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String("1")})
	refused(t, err, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
	_, err = s.SendTaskHeartbeat(s.ctx, &sfn.SendTaskHeartbeatInput{TaskToken: &token})
	refused(t, err, "TaskTimedOut", "")

	x = s.start(machine, "", "{}")
	token = <-tokens
	if _, err := s.SendTaskFailure(s.ctx, &sfn.SendTaskFailureInput{TaskToken: &token, Error: aws.String("No"), Cause: aws.String("why not")}); err != nil {
		t.Fatal(err)
	}
	got := s.end(x)
	same(t, "failure", fmt.Sprintln(got.Status, *got.Error, *got.Cause), "FAILED No why not\n")
	_, err = s.SendTaskFailure(s.ctx, &sfn.SendTaskFailureInput{TaskToken: &token})
	refused(t, err, "TaskTimedOut", "")

	// A task that was answered is closed, whether or not its execution goes on.
	x = s.start(s.create("goes-on", strings.Replace(tokenMachine, `"End": true}}}`,
		`"Next": "B"}, "B": {"Type": "Wait", "Seconds": 3600, "End": true}}}`, 1)), "", "{}")
	token = <-tokens
	if _, err := s.SendTaskSuccess(s.ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String("1")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = s.SendTaskSuccess(s.ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String("1")})
		refused(t, err, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
		_, err = s.SendTaskFailure(s.ctx, &sfn.SendTaskFailureInput{TaskToken: &token})
		refused(t, err, "TaskTimedOut", "")
	}
	if _, err := s.StopExecution(s.ctx, &sfn.StopExecutionInput{ExecutionArn: x}); err != nil {
		t.Fatal(err)
	}

	for _, token := range []string{"x", token + "x", strings.Repeat("A", 60)} {
		_, err = s.SendTaskSuccess(s.ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String("1")})
		refused(t, err, "InvalidToken", "Invalid Token: 'Invalid token'")
		_, err = s.SendTaskFailure(s.ctx, &sfn.SendTaskFailureInput{TaskToken: &token})
		refused(t, err, "InvalidToken", "")
		_, err = s.SendTaskHeartbeat(s.ctx, &sfn.SendTaskHeartbeatInput{TaskToken: &token})
		refused(t, err, "InvalidToken", "")
	}
	_, err = s.SendTaskFailure(s.ctx, &sfn.SendTaskFailureInput{TaskToken: &token, Error: aws.String(strings.Repeat("x", 257))})
	refused(t, err, "ValidationException", "1 validation error detected: Value at 'error' failed to satisfy constraint: "+
		"Member must have length less than or equal to 256")
}

func TestActivities(t *testing.T) {
	s := newServer(t)
	for range 2 { // the second is the first
		made, err := s.CreateActivity(s.ctx, &sfn.CreateActivityInput{Name: aws.String("approve")})
		if err != nil || *made.ActivityArn != *arnOf("activity", "approve") {
			t.Fatalf("the activity is %v, %v", made, err)
		}
	}
	arn := arnOf("activity", "approve")
	got, err := s.DescribeActivity(s.ctx, &sfn.DescribeActivityInput{ActivityArn: arn})
	if err != nil || *got.Name != "approve" || got.CreationDate == nil {
		t.Errorf("the activity is %v, %v", got, err)
	}
	// A worker waits before there is a task.
	worked := make(chan error, 1)
	go func() {
		task, err := s.GetActivityTask(s.ctx, &sfn.GetActivityTaskInput{ActivityArn: arn, WorkerName: aws.String("ann")})
		if err == nil && aws.ToString(task.Input) != `{"order":7}` {
			err = fmt.Errorf("the task is %v", task)
		}
		if err == nil {
			_, err = s.SendTaskHeartbeat(s.ctx, &sfn.SendTaskHeartbeatInput{TaskToken: task.TaskToken})
		}
		if err == nil {
			_, err = s.SendTaskSuccess(s.ctx, &sfn.SendTaskSuccessInput{TaskToken: task.TaskToken, Output: aws.String(`"yes"`)})
		}
		worked <- err
	}()
	machine := s.create("approval", `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "`+*arn+`", "TimeoutSeconds": 600, "HeartbeatSeconds": 300, "End": true}}}`)
	x := s.start(machine, "", `{"order":7}`)
	if err := <-worked; err != nil {
		t.Fatal(err)
	}
	same(t, "output", *s.end(x).Output, `"yes"`)
	h, err := s.GetExecutionHistory(s.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: x})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range h.Events {
		kinds = append(kinds, string(e.Type))
		if e.Type == types.HistoryEventTypeActivityStarted {
			same(t, "worker", *e.ActivityStartedEventDetails.WorkerName, "ann")
		}
	}
	same(t, "history", strings.Join(kinds, " "),
		"ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivitySucceeded TaskStateExited ExecutionSucceeded")

	for i := range 3 {
		if _, err := s.CreateActivity(s.ctx, &sfn.CreateActivityInput{Name: aws.String(fmt.Sprint("b", i))}); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	pages := sfn.NewListActivitiesPaginator(s, &sfn.ListActivitiesInput{MaxResults: 3})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Activities {
			names = append(names, *a.Name)
		}
	}
	same(t, "names", strings.Join(names, " "), "approve b0 b1 b2")

	for range 2 { // a second time it is not there any more, which is no error
		if _, err := s.DeleteActivity(s.ctx, &sfn.DeleteActivityInput{ActivityArn: arn}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.DescribeActivity(s.ctx, &sfn.DescribeActivityInput{ActivityArn: arn})
	refused(t, err, "ActivityDoesNotExist", "Activity Does Not Exist: '"+*arn+"'")
	_, err = s.GetActivityTask(s.ctx, &sfn.GetActivityTaskInput{ActivityArn: arn})
	refused(t, err, "ActivityDoesNotExist", "")
	_, err = s.CreateActivity(s.ctx, &sfn.CreateActivityInput{Name: aws.String("a b")})
	refused(t, err, "InvalidName", "Invalid Name: 'a b'")
	_, err = s.DeleteActivity(s.ctx, &sfn.DeleteActivityInput{ActivityArn: aws.String("x")})
	refused(t, err, "InvalidArn", "")
	_, err = s.GetActivityTask(s.ctx, &sfn.GetActivityTaskInput{ActivityArn: aws.String("x")})
	refused(t, err, "InvalidArn", "")
	_, err = s.ListActivities(s.ctx, &sfn.ListActivitiesInput{NextToken: aws.String("x")})
	refused(t, err, "InvalidToken", "")
}
