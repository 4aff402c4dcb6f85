package awsapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// heldMap is a distributed Map whose iterations wait for workers.
const heldMap = `{"StartAt": "Each", "States": {"Each": {"Type": "Map", "Label": "Held", "MaxConcurrency": 1, "ToleratedFailureCount": 3,
	"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "W", "States": {
		"W": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:hold", "End": true}}}, "End": true}}}`

// held starts an execution of heldMap with four items, and gives it with its map run, once one iteration runs.
func (s *server) held() (x, mapRun *string) {
	s.t.Helper()
	if _, err := s.CreateActivity(s.ctx, &sfn.CreateActivityInput{Name: aws.String("hold")}); err != nil {
		s.t.Fatal(err)
	}
	x = s.start(s.create("held", heldMap), "one", `["a", "b", "c", "d"]`)
	for range s.polls() {
		list, err := s.ListMapRuns(s.ctx, &sfn.ListMapRunsInput{ExecutionArn: x})
		if err != nil {
			s.t.Fatal(err)
		}
		if len(list.MapRuns) == 1 {
			return x, list.MapRuns[0].MapRunArn
		}
	}
	return x, nil
}

// polls gives turns until the patience of the test is at its end.
func (s *server) polls() func(func(int) bool) {
	return func(yield func(int) bool) {
		deadline := time.Now().Add(patience)
		for i := 0; time.Now().Before(deadline); i++ {
			if !yield(i) {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		s.t.Fatal("it did not come to what was waited for")
	}
}

// work takes a task of heldMap.
func (s *server) work() *sfn.GetActivityTaskOutput {
	s.t.Helper()
	task, err := s.GetActivityTask(s.ctx, &sfn.GetActivityTaskInput{ActivityArn: arnOf("activity", "hold"), WorkerName: aws.String("w")})
	if err != nil || task.TaskToken == nil {
		s.t.Fatalf("no task came: %v, %v", task, err)
	}
	return task
}

func (s *server) counts(mapRun *string) string {
	s.t.Helper()
	m, err := s.DescribeMapRun(s.ctx, &sfn.DescribeMapRunInput{MapRunArn: mapRun})
	if err != nil {
		s.t.Fatal(err)
	}
	c := m.ItemCounts
	return fmt.Sprint(m.Status, " max ", m.MaxConcurrency, " tolerated ", m.ToleratedFailureCount, " ", m.ToleratedFailurePercentage,
		": ", c.Pending, " ", c.Running, " ", c.Succeeded, " ", c.Failed, " ", c.Aborted, " of ", c.Total, ", written ", c.ResultsWritten)
}

func (s *server) update(in sfn.UpdateMapRunInput) {
	s.t.Helper()
	if _, err := s.UpdateMapRun(s.ctx, &in); err != nil {
		s.t.Fatal(err)
	}
}

// A map run that is under way, and parked, is given more room, of which it makes use at once, and then less tolerance than it needs.
func TestUpdateMapRun(t *testing.T) {
	s := newServer(t)
	x, mapRun := s.held()
	first := s.work()
	same(t, "at first", s.counts(mapRun), "RUNNING max 1 tolerated 3 0: 3 1 0 0 0 of 4, written 0")

	s.update(sfn.UpdateMapRunInput{MapRunArn: mapRun, MaxConcurrency: aws.Int32(3)})
	same(t, "with more room", s.counts(mapRun), "RUNNING max 3 tolerated 3 0: 1 3 0 0 0 of 4, written 0")
	s.work()
	s.work()

	if _, err := s.SendTaskFailure(s.ctx, &sfn.SendTaskFailureInput{TaskToken: first.TaskToken, Error: aws.String("Bad")}); err != nil {
		t.Fatal(err)
	}
	s.update(sfn.UpdateMapRunInput{MapRunArn: mapRun, ToleratedFailurePercentage: aws.Float32(30)})
	same(t, "with one failure", s.counts(mapRun), "RUNNING max 3 tolerated 3 30: 0 3 0 1 0 of 4, written 0")
	s.update(sfn.UpdateMapRunInput{MapRunArn: mapRun, ToleratedFailureCount: aws.Int64(0)})
	out := s.end(x)
	same(t, "the end", fmt.Sprint(out.Status, " ", *out.Error, " ", *out.Cause),
		"FAILED States.ExceedToleratedFailureThreshold The specified tolerated failure threshold was exceeded")
	same(t, "the counts at the end", s.counts(mapRun), "FAILED max 3 tolerated 0 30: 0 0 0 1 3 of 4, written 0")
	_, err := s.UpdateMapRun(s.ctx, &sfn.UpdateMapRunInput{MapRunArn: mapRun, MaxConcurrency: aws.Int32(1)})
	refused(t, err, "ValidationException", "Map Run has completed and cannot be updated: '"+*mapRun+"'")
	h, err := s.GetExecutionHistory(s.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: x})
	if err != nil || h.Events[len(h.Events)-1].Type != types.HistoryEventTypeExecutionFailed {
		t.Fatalf("the history ends with %v, %v", h, err)
	}
	for i, e := range h.Events {
		if e.Id != int64(i+1) {
			t.Fatalf("event %d has the id %d", i+1, e.Id)
		}
	}
}

// The iterations of a map run are told of as its child executions.
func TestListMapRunExecutions(t *testing.T) {
	s := newServer(t)
	x, mapRun := s.held()
	s.update(sfn.UpdateMapRunInput{MapRunArn: mapRun, MaxConcurrency: aws.Int32(3)})
	first, second := s.work(), s.work()
	_, err := s.SendTaskSuccess(s.ctx, &sfn.SendTaskSuccessInput{TaskToken: first.TaskToken, Output: aws.String(`{"r": 1}`)})
	if err == nil {
		_, err = s.SendTaskFailure(s.ctx, &sfn.SendTaskFailureInput{TaskToken: second.TaskToken, Error: aws.String("Bad"), Cause: aws.String("so")})
	}
	if err != nil {
		t.Fatal(err)
	}
	list := func(in sfn.ListExecutionsInput) (string, []types.ExecutionListItem) {
		var found []types.ExecutionListItem
		var statuses []string
		in.MapRunArn, in.MaxResults = mapRun, 1
		pages := sfn.NewListExecutionsPaginator(s, &in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(s.ctx)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, page.Executions...)
		}
		for _, c := range found {
			statuses = append(statuses, string(c.Status))
			same(t, "of map run", *c.MapRunArn, *mapRun)
			same(t, "machine", *c.StateMachineArn, *arnOf("stateMachine", "held/Held"))
			same(t, "items", *c.ItemCount, int32(1))
		}
		return strings.Join(statuses, ","), found
	}
	statuses, all := list(sfn.ListExecutionsInput{})
	same(t, "all", statuses, "RUNNING,RUNNING,FAILED,SUCCEEDED")
	describe := func(arn *string) string {
		out, err := s.DescribeExecution(s.ctx, &sfn.DescribeExecutionInput{ExecutionArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "map run", *out.MapRunArn, *mapRun)
		return fmt.Sprint(out.Status, " ", aws.ToString(out.Input), " ", aws.ToString(out.Output), " ", aws.ToString(out.Error), " ",
			aws.ToString(out.Cause), " ", out.StopDate != nil)
	}
	same(t, "one that succeeded", describe(all[3].ExecutionArn), `SUCCEEDED "a" {"r": 1}   true`)
	same(t, "one that failed", describe(all[2].ExecutionArn), `FAILED "b"  Bad so true`)
	same(t, "one that runs", describe(all[1].ExecutionArn), `RUNNING "c"    false`)
	statuses, _ = list(sfn.ListExecutionsInput{StatusFilter: types.ExecutionStatusFailed})
	same(t, "failed", statuses, "FAILED")
	statuses, _ = list(sfn.ListExecutionsInput{RedriveFilter: types.ExecutionRedriveFilterRedriven})
	same(t, "redriven", statuses, "")
	_, err = s.GetExecutionHistory(s.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: all[0].ExecutionArn})
	refused(t, err, "UnsupportedOperationException", "")
	for _, name := range []string{"held/Other:" + *all[0].Name, "other/Held:" + *all[0].Name, "held/Held:" + *all[0].Name + "9", "held/Held:x"} {
		_, err = s.DescribeExecution(s.ctx, &sfn.DescribeExecutionInput{ExecutionArn: arnOf("execution", name)})
		refused(t, err, "ExecutionDoesNotExist", "Execution Does Not Exist: '"+*arnOf("execution", name)+"'")
	}

	if _, err := s.StopExecution(s.ctx, &sfn.StopExecutionInput{ExecutionArn: x}); err != nil {
		t.Fatal(err)
	}
	same(t, "stopped", s.counts(mapRun), "ABORTED max 3 tolerated 3 0: 0 0 1 1 2 of 4, written 0")
	statuses, _ = list(sfn.ListExecutionsInput{})
	same(t, "all of the stopped one", statuses, "ABORTED,ABORTED,FAILED,SUCCEEDED")
	if _, err := s.RedriveExecution(s.ctx, &sfn.RedriveExecutionInput{ExecutionArn: x}); err != nil {
		t.Fatal(err)
	}
	same(t, "redriven", s.counts(mapRun), "RUNNING max 3 tolerated 3 0: 0 2 1 1 0 of 4, written 0")
	statuses, _ = list(sfn.ListExecutionsInput{RedriveFilter: types.ExecutionRedriveFilterRedriven})
	same(t, "the redriven ones", statuses, "RUNNING,RUNNING")
	for range 2 {
		task := s.work()
		if _, err := s.SendTaskSuccess(s.ctx, &sfn.SendTaskSuccessInput{TaskToken: task.TaskToken, Output: aws.String("2")}); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "the end", string(s.end(x).Status), "SUCCEEDED")
	same(t, "at the end", s.counts(mapRun), "SUCCEEDED max 3 tolerated 3 0: 0 0 3 1 0 of 4, written 0")
}
