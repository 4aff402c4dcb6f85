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

func TestExecution(t *testing.T) {
	s := newServer(t)
	machine := s.create("orders", passMachine)
	header := "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	before := time.Now().Add(-time.Second)
	started, err := s.StartExecution(s.ctx, &sfn.StartExecutionInput{
		StateMachineArn: machine, Name: aws.String("one"), Input: aws.String(`{"a": 1}`), TraceHeader: &header,
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ARN", *started.ExecutionArn, *arnOf("execution", "orders:one"))
	if started.StartDate.Before(before) || started.StartDate.After(time.Now().Add(time.Second)) {
		t.Errorf("it is said to have started at %s", started.StartDate)
	}
	x := s.end(started.ExecutionArn)
	same(t, "status", x.Status, types.ExecutionStatusSucceeded)
	same(t, "input", *x.Input, `{"a": 1}`)
	same(t, "input is told", x.InputDetails.Included, true)
	same(t, "output", *x.Output, `{"a": 1}`)
	same(t, "machine", *x.StateMachineArn, *machine)
	same(t, "name", *x.Name, "one")
	same(t, "redrives", *x.RedriveCount, 0)
	same(t, "redrive", x.RedriveStatus, types.ExecutionRedriveStatusNotRedrivable)
	same(t, "reason", *x.RedriveStatusReason, "Execution is SUCCEEDED and cannot be redriven")
	same(t, "trace", *x.TraceHeader, header)
	same(t, "it ends after it began", x.StopDate.Before(*x.StartDate), false)
	bare, err := s.DescribeExecution(s.ctx, &sfn.DescribeExecutionInput{ExecutionArn: x.ExecutionArn, IncludedData: types.IncludedDataMetadataOnly})
	if err != nil || bare.Input != nil || bare.Output != nil {
		t.Errorf("with metadata only: %v, %v", bare, err)
	}
	same(t, "default input", *s.end(s.startBare(machine)).Input, "{}")
	failed := s.end(s.start(s.create("fails", failMachine), "", "{}"))
	same(t, "failure", fmt.Sprintln(failed.Status, *failed.Error, *failed.Cause, failed.RedriveStatus), "FAILED Broken on purpose REDRIVABLE\n")
}

func (s *server) startBare(machine *string) *string {
	s.t.Helper()
	out, err := s.StartExecution(s.ctx, &sfn.StartExecutionInput{StateMachineArn: machine})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.ExecutionArn
}

func TestStartIsIdempotent(t *testing.T) {
	s := newServer(t)
	waits := s.create("waits", waitMachine)
	first := s.start(waits, "n", `{"a": 1}`)
	again, err := s.StartExecution(s.ctx, &sfn.StartExecutionInput{StateMachineArn: waits, Name: aws.String("n"), Input: aws.String(`{"a": 1}`)})
	if err != nil || *again.ExecutionArn != *first {
		t.Errorf("the same start gives %v, %v", again, err)
	}
	for _, input := range []string{`{"a": 2}`, `{"a": 1}`} {
		_, err = s.StartExecution(s.ctx, &sfn.StartExecutionInput{StateMachineArn: waits, Name: aws.String("n"), Input: aws.String(input)})
		refused(t, err, "ExecutionAlreadyExists", "Execution Already Exists: '"+*first+"'")
		// Once it has ended, the same input does not help either.
		if _, err := s.StopExecution(s.ctx, &sfn.StopExecutionInput{ExecutionArn: first}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStartErrors(t *testing.T) {
	s := newServer(t)
	machine := s.create("orders", passMachine)
	start := func(arn *string, name, input string) error {
		in := &sfn.StartExecutionInput{StateMachineArn: arn, Input: &input}
		if name != "" {
			in.Name = &name
		}
		_, err := s.StartExecution(s.ctx, in)
		return err
	}
	const label = "Invalid State Machine Execution Input: "
	refused(t, start(machine, "", "not some json"), "InvalidExecutionInput", label+
		"'Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')'")
	refused(t, start(machine, "", "{'not': 'json'"), "InvalidExecutionInput", label+
		"'Unexpected character (''' (code 39)): was expecting double-quote to start field name'")
	refused(t, start(machine, "", ""), "InvalidExecutionInput", label+"'Invalid execution input.'")
	refused(t, start(machine, "a b", "{}"), "InvalidName", "Invalid Name: 'a b'")
	refused(t, start(machine, strings.Repeat("x", 81), "{}"), "ValidationException", "")
	refused(t, start(machine, "", `"`+strings.Repeat("x", 262_143)+`"`), "ValidationException", "1 validation error detected: "+
		"Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144")
	refused(t, start(arnOf("stateMachine", "none"), "", "{}"), "StateMachineDoesNotExist", "State Machine Does Not Exist: '"+*arnOf("stateMachine", "none")+"'")
	refused(t, start(arnOf("stateMachine", "m/L"), "", "{}"), "ValidationException", "")
	refused(t, start(arnOf("activity", "m"), "", "{}"), "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: activity'")
	for _, input := range []string{"2", `"some text"`, "null", "[]"} {
		if err := start(machine, "", input); err != nil {
			t.Errorf("an input of %s: %v", input, err)
		}
	}
}

func TestStartSync(t *testing.T) {
	s := newServer(t)
	express := func(in *sfn.CreateStateMachineInput) { in.Type = types.StateMachineTypeExpress }
	machine := s.create("quick", passMachine, express)
	x, err := s.StartSyncExecution(s.ctx, &sfn.StartSyncExecutionInput{StateMachineArn: machine, Name: aws.String("n"), Input: aws.String(`{"a": 1}`)})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "status", x.Status, types.SyncExecutionStatusSucceeded)
	same(t, "output", *x.Output, `{"a": 1}`)
	same(t, "name", *x.Name, "n")
	same(t, "ARN", strings.HasPrefix(*x.ExecutionArn, *arnOf("express", "quick:n:")), true)
	same(t, "billing", fmt.Sprint(x.BillingDetails.BilledDurationInMilliseconds%100, x.BillingDetails.BilledMemoryUsedInMB), "0 64")
	failed, err := s.StartSyncExecution(s.ctx, &sfn.StartSyncExecutionInput{StateMachineArn: s.create("fails", failMachine, express)})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "failure", fmt.Sprintln(failed.Status, *failed.Error, *failed.Cause), "FAILED Broken on purpose\n")

	standard := s.create("slow", passMachine)
	_, err = s.StartSyncExecution(s.ctx, &sfn.StartSyncExecutionInput{StateMachineArn: standard})
	refused(t, err, "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
	_, err = s.ListExecutions(s.ctx, &sfn.ListExecutionsInput{StateMachineArn: machine})
	refused(t, err, "StateMachineTypeNotSupported", "")
	_, err = s.StartSyncExecution(s.ctx, &sfn.StartSyncExecutionInput{StateMachineArn: arnOf("stateMachine", "none")})
	refused(t, err, "StateMachineDoesNotExist", "")
	_, err = s.StopExecution(s.ctx, &sfn.StopExecutionInput{ExecutionArn: x.ExecutionArn})
	refused(t, err, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
	// What is kept of Express executions can be read, which the service does not do.
	async := s.end(s.start(s.create("fails2", failMachine, express), "n", "{}"))
	same(t, "status", async.Status, types.ExecutionStatusFailed)
	h, err := s.GetExecutionHistory(s.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: async.ExecutionArn})
	if err != nil || len(h.Events) != 3 {
		t.Errorf("the history is %v, %v", h, err)
	}
}

func TestStopAndRedrive(t *testing.T) {
	s := newServer(t)
	x := s.start(s.create("waits", waitMachine), "", "{}")
	_, err := s.RedriveExecution(s.ctx, &sfn.RedriveExecutionInput{ExecutionArn: x})
	refused(t, err, "ExecutionNotRedrivable", "Execution is RUNNING and cannot be redriven")
	stopped, err := s.StopExecution(s.ctx, &sfn.StopExecutionInput{ExecutionArn: x, Error: aws.String("Enough"), Cause: aws.String("it \x00 took")})
	if err != nil || stopped.StopDate == nil {
		t.Fatalf("stopping gives %v, %v", stopped, err)
	}
	got := s.end(x)
	same(t, "end", fmt.Sprintln(got.Status, *got.Error, *got.Cause, got.RedriveStatus), "ABORTED Enough it \x00 took REDRIVABLE\n")
	same(t, "date", got.StopDate.Equal(*stopped.StopDate), true)
	if _, err := s.StopExecution(s.ctx, &sfn.StopExecutionInput{ExecutionArn: x}); err != nil {
		t.Errorf("stopping it again: %v", err)
	}
	token := aws.String("token")
	first, err := s.RedriveExecution(s.ctx, &sfn.RedriveExecutionInput{ExecutionArn: x, ClientToken: token})
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.RedriveExecution(s.ctx, &sfn.RedriveExecutionInput{ExecutionArn: x, ClientToken: token})
	if err != nil || !again.RedriveDate.Equal(*first.RedriveDate) {
		t.Errorf("the same redrive gives %v, %v", again, err)
	}
	running, err := s.DescribeExecution(s.ctx, &sfn.DescribeExecutionInput{ExecutionArn: x})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "redriven", fmt.Sprintln(running.Status, *running.RedriveCount, running.RedriveDate.Equal(*first.RedriveDate)), "RUNNING 1 true\n")
	if _, err := s.StopExecution(s.ctx, &sfn.StopExecutionInput{ExecutionArn: x}); err != nil {
		t.Fatal(err)
	}
	for _, arn := range []*string{arnOf("execution", "waits:none"), arnOf("execution", "none:none")} {
		_, err := s.StopExecution(s.ctx, &sfn.StopExecutionInput{ExecutionArn: arn})
		refused(t, err, "ExecutionDoesNotExist", "Execution Does Not Exist: '"+*arn+"'")
		_, err = s.RedriveExecution(s.ctx, &sfn.RedriveExecutionInput{ExecutionArn: arn})
		refused(t, err, "ExecutionDoesNotExist", "")
		_, err = s.DescribeExecution(s.ctx, &sfn.DescribeExecutionInput{ExecutionArn: arn})
		refused(t, err, "ExecutionDoesNotExist", "")
		_, err = s.GetExecutionHistory(s.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: arn})
		refused(t, err, "ExecutionDoesNotExist", "")
		_, err = s.ListMapRuns(s.ctx, &sfn.ListMapRunsInput{ExecutionArn: arn})
		refused(t, err, "ExecutionDoesNotExist", "")
	}
	_, err = s.DescribeExecution(s.ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String("invalid_state_machine_arn")})
	refused(t, err, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: invalid_state_machine_arn'")
	_, err = s.RedriveExecution(s.ctx, &sfn.RedriveExecutionInput{ExecutionArn: x, ClientToken: aws.String("a b")})
	refused(t, err, "ValidationException", "")
	_, err = s.StopExecution(s.ctx, &sfn.StopExecutionInput{ExecutionArn: x, Error: aws.String(strings.Repeat("x", 257))})
	refused(t, err, "ValidationException", "")
}

func TestListExecutions(t *testing.T) {
	s := newServer(t)
	passes, fails := s.create("passes", passMachine), s.create("mixed", failMachine)
	for i := range 7 {
		s.end(s.start(passes, fmt.Sprint("x", i), "{}"))
	}
	var names []string
	pages := sfn.NewListExecutionsPaginator(s, &sfn.ListExecutionsInput{StateMachineArn: passes, MaxResults: 3})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Executions {
			names = append(names, *x.Name)
		}
	}
	same(t, "names", strings.Join(names, " "), "x6 x5 x4 x3 x2 x1 x0")

	redriven := s.start(fails, "redriven", "{}")
	s.end(redriven)
	if _, err := s.RedriveExecution(s.ctx, &sfn.RedriveExecutionInput{ExecutionArn: redriven}); err != nil {
		t.Fatal(err)
	}
	s.end(redriven)
	s.end(s.start(fails, "plain", "{}"))
	count := func(in sfn.ListExecutionsInput) string {
		t.Helper()
		in.StateMachineArn = fails
		out, err := s.ListExecutions(s.ctx, &in)
		if err != nil {
			t.Fatal(err)
		}
		var names strings.Builder
		for _, x := range out.Executions {
			names.WriteString(*x.Name + " ")
		}
		return names.String()
	}
	same(t, "failed", count(sfn.ListExecutionsInput{StatusFilter: types.ExecutionStatusFailed}), "plain redriven ")
	same(t, "running", count(sfn.ListExecutionsInput{StatusFilter: types.ExecutionStatusRunning}), "")
	same(t, "redriven", count(sfn.ListExecutionsInput{RedriveFilter: types.ExecutionRedriveFilterRedriven}), "redriven ")
	same(t, "not redriven", count(sfn.ListExecutionsInput{RedriveFilter: types.ExecutionRedriveFilterNotRedriven}), "plain ")

	_, err := s.ListExecutions(s.ctx, &sfn.ListExecutionsInput{})
	refused(t, err, "ValidationException", "")
	_, err = s.ListExecutions(s.ctx, &sfn.ListExecutionsInput{StateMachineArn: arnOf("stateMachine", "none")})
	refused(t, err, "StateMachineDoesNotExist", "")
	_, err = s.ListExecutions(s.ctx, &sfn.ListExecutionsInput{StateMachineArn: passes, NextToken: aws.String(strings.Repeat("x", 3097))})
	refused(t, err, "ValidationException", "1 validation error detected: Value '"+strings.Repeat("x", 3097)+
		"' at 'nextToken' failed to satisfy constraint: Member must have length less than or equal to 3096")
	_, err = s.ListExecutions(s.ctx, &sfn.ListExecutionsInput{StateMachineArn: passes, NextToken: aws.String("x")})
	refused(t, err, "InvalidToken", "")
	_, err = s.ListExecutions(s.ctx, &sfn.ListExecutionsInput{MapRunArn: arnOf("mapRun", "m/L:x-4")})
	refused(t, err, "ResourceNotFound", "")
}

func TestHistory(t *testing.T) {
	s := newServer(t)
	var states []string
	for i := range 10 {
		states = append(states, fmt.Sprintf(`"S%d": {"Type": "Pass", "Next": "S%d"}`, i, i+1))
	}
	machine := s.create("long", `{"StartAt": "S0", "States": {`+strings.Join(states, ",")+`, "S10": {"Type": "Succeed"}}}`)
	x := s.start(machine, "", `{"a": 1}`)
	s.end(x)
	for _, reverse := range []bool{false, true} {
		var ids []int64
		pages := sfn.NewGetExecutionHistoryPaginator(s, &sfn.GetExecutionHistoryInput{ExecutionArn: x, MaxResults: 5, ReverseOrder: reverse})
		for pages.HasMorePages() {
			page, err := pages.NextPage(s.ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				ids = append(ids, e.Id)
			}
		}
		if len(ids) != 24 {
			t.Fatalf("the ids are %v", ids)
		}
		for i, id := range ids {
			want := int64(i + 1)
			if reverse {
				want = int64(len(ids) - i)
			}
			if id != want {
				t.Fatalf("reversed %v: the ids are %v", reverse, ids)
			}
		}
	}
	whole, err := s.GetExecutionHistory(s.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: x})
	if err != nil {
		t.Fatal(err)
	}
	entered := whole.Events[1]
	same(t, "entry", fmt.Sprintln(entered.Type, *entered.StateEnteredEventDetails.Name, *entered.StateEnteredEventDetails.Input),
		"PassStateEntered S0 {\"a\": 1}\n")
	same(t, "role", *whole.Events[0].ExecutionStartedEventDetails.RoleArn, role)
	bare, err := s.GetExecutionHistory(s.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: x, IncludeExecutionData: aws.Bool(false)})
	if err != nil || bare.Events[1].StateEnteredEventDetails.Input != nil || len(bare.Events) != len(whole.Events) {
		t.Errorf("without data: %v, %v", bare, err)
	}
	_, err = s.GetExecutionHistory(s.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: x, NextToken: aws.String("zzzz")})
	refused(t, err, "InvalidToken", "Invalid Token: 'Invalid token'")
}

func TestMapRuns(t *testing.T) {
	s := newServer(t)
	machine := s.create("maps", mapMachine)
	x := s.start(machine, "one", `[1, 0, 2, 3]`)
	s.end(x)
	list, err := s.ListMapRuns(s.ctx, &sfn.ListMapRunsInput{ExecutionArn: x})
	if err != nil || len(list.MapRuns) != 1 {
		t.Fatalf("the map runs are %v, %v", list, err)
	}
	same(t, "machine", *list.MapRuns[0].StateMachineArn, *machine+"/Items")
	h, err := s.GetExecutionHistory(s.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: x})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range h.Events {
		if d := e.MapRunStartedEventDetails; d != nil {
			same(t, "ARN", *list.MapRuns[0].MapRunArn, *d.MapRunArn)
		}
	}
	m, err := s.DescribeMapRun(s.ctx, &sfn.DescribeMapRunInput{MapRunArn: list.MapRuns[0].MapRunArn})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "map run", fmt.Sprintln(m.Status, m.MaxConcurrency, m.ToleratedFailurePercentage, m.ToleratedFailureCount, *m.ExecutionArn == *x),
		"SUCCEEDED 3 50 0 true\n")
	c := m.ItemCounts
	same(t, "items", fmt.Sprintln(c.Total, c.Succeeded, c.Failed, c.Pending, c.Running, c.Aborted), "4 3 1 0 0 0\n")
	_, err = s.UpdateMapRun(s.ctx, &sfn.UpdateMapRunInput{MapRunArn: m.MapRunArn, MaxConcurrency: aws.Int32(4)})
	refused(t, err, "ValidationException", "Map Run has completed and cannot be updated: '"+*m.MapRunArn+"'")
	if m.StopDate == nil || m.StopDate.Before(*m.StartDate) {
		t.Errorf("it is said to have ended at %v", m.StopDate)
	}
	_, err = s.UpdateMapRun(s.ctx, &sfn.UpdateMapRunInput{MapRunArn: m.MapRunArn})
	refused(t, err, "ValidationException", "")
	for _, arn := range []*string{arnOf("mapRun", "maps/Items:none-4"), arnOf("mapRun", "maps/Items:one-400")} {
		_, err = s.DescribeMapRun(s.ctx, &sfn.DescribeMapRunInput{MapRunArn: arn})
		refused(t, err, "ResourceNotFound", "")
		_, err = s.UpdateMapRun(s.ctx, &sfn.UpdateMapRunInput{MapRunArn: arn, MaxConcurrency: aws.Int32(4)})
		refused(t, err, "ResourceNotFound", "")
	}
	for _, arn := range []*string{machine, aws.String("x"), arnOf("mapRun", "maps")} {
		_, err = s.DescribeMapRun(s.ctx, &sfn.DescribeMapRunInput{MapRunArn: arn})
		refused(t, err, "InvalidArn", "")
	}
}
