package awsapi_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

func TestStateMachine(t *testing.T) {
	s := newServer(t)
	arn := s.create("orders", passMachine, func(in *sfn.CreateStateMachineInput) {
		in.TracingConfiguration = &types.TracingConfiguration{Enabled: true}
	})
	same(t, "ARN", *arn, *arnOf("stateMachine", "orders"))
	got, err := s.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "definition", *got.Definition, passMachine)
	same(t, "role", *got.RoleArn, role)
	same(t, "type", got.Type, types.StateMachineTypeStandard)
	same(t, "status", got.Status, types.StateMachineStatusActive)
	same(t, "tracing", got.TracingConfiguration.Enabled, true)
	same(t, "logging", got.LoggingConfiguration.Level, types.LogLevelOff)
	same(t, "revision", aws.ToString(got.RevisionId), "")
	bare, err := s.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: arn, IncludedData: types.IncludedDataMetadataOnly})
	if err != nil || bare.Definition != nil {
		t.Errorf("with metadata only: %v, %v", bare, err)
	}

	updated, err := s.UpdateStateMachine(s.ctx, &sfn.UpdateStateMachineInput{StateMachineArn: arn, Definition: aws.String(otherMachine)})
	if err != nil || aws.ToString(updated.RevisionId) == "" {
		t.Fatalf("the update gives %v, %v", updated, err)
	}
	got, err = s.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "definition", *got.Definition, otherMachine)
	same(t, "revision", *got.RevisionId, *updated.RevisionId)
	same(t, "tracing stays", got.TracingConfiguration.Enabled, true)
	again, err := s.UpdateStateMachine(s.ctx, &sfn.UpdateStateMachineInput{StateMachineArn: arn, Definition: aws.String(otherMachine)})
	if err != nil || *again.RevisionId != *updated.RevisionId {
		t.Errorf("an update that changes nothing gives %v, %v", again, err)
	}

	x := s.start(arn, "", "{}")
	s.end(x)
	of, err := s.DescribeStateMachineForExecution(s.ctx, &sfn.DescribeStateMachineForExecutionInput{ExecutionArn: x})
	if err != nil || *of.Definition != otherMachine || *of.RevisionId != *updated.RevisionId || of.UpdateDate == nil {
		t.Errorf("the machine of an execution is %v, %v", of, err)
	}

	for range 2 { // a second time it is not there any more, which is no error
		if _, err := s.DeleteStateMachine(s.ctx, &sfn.DeleteStateMachineInput{StateMachineArn: arn}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: arn})
	refused(t, err, "StateMachineDoesNotExist", "State Machine Does Not Exist: '"+*arn+"'")
}

func TestCreateIsIdempotent(t *testing.T) {
	s := newServer(t)
	arn := s.create("orders", passMachine)
	first, err := s.CreateStateMachine(s.ctx, &sfn.CreateStateMachineInput{
		Name: aws.String("orders"), Definition: aws.String(passMachine), RoleArn: aws.String(role + "2"), // the role is not looked at
		Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	})
	if err != nil || *first.StateMachineArn != *arn {
		t.Fatalf("creating it again gives %v, %v", first, err)
	}
	tags, err := s.ListTagsForResource(s.ctx, &sfn.ListTagsForResourceInput{ResourceArn: arn})
	if err != nil || len(tags.Tags) != 0 {
		t.Errorf("creating it again has changed the tags: %v, %v", tags, err)
	}
	for name, change := range map[string]func(*sfn.CreateStateMachineInput){
		"definition": func(in *sfn.CreateStateMachineInput) { in.Definition = aws.String(passMachine + " ") },
		"type":       func(in *sfn.CreateStateMachineInput) { in.Type = types.StateMachineTypeExpress },
		"tracing": func(in *sfn.CreateStateMachineInput) {
			in.TracingConfiguration = &types.TracingConfiguration{Enabled: true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := &sfn.CreateStateMachineInput{Name: aws.String("orders"), Definition: aws.String(passMachine), RoleArn: aws.String(role)}
			change(in)
			_, err := s.CreateStateMachine(s.ctx, in)
			refused(t, err, "StateMachineAlreadyExists", "State Machine Already Exists: '"+*arn+"'")
		})
	}
}

func TestStateMachineErrors(t *testing.T) {
	s := newServer(t)
	create := func(change func(*sfn.CreateStateMachineInput)) error {
		in := &sfn.CreateStateMachineInput{Name: aws.String("m"), Definition: aws.String(passMachine), RoleArn: aws.String(role)}
		change(in)
		_, err := s.CreateStateMachine(s.ctx, in)
		return err
	}
	group := types.LogDestination{CloudWatchLogsLogGroup: &types.CloudWatchLogsLogGroup{LogGroupArn: aws.String("arn:aws:logs:us-east-1:1:log-group:x:*")}}
	for _, c := range []struct {
		change        func(*sfn.CreateStateMachineInput)
		code, message string
	}{
		{func(in *sfn.CreateStateMachineInput) { in.Name = aws.String("a b") }, "InvalidName", "Invalid Name: 'a b'"},
		{
			func(in *sfn.CreateStateMachineInput) { in.Name = aws.String(strings.Repeat("a", 81)) }, "ValidationException",
			"1 validation error detected: Value '" + strings.Repeat("a", 81) + "' at 'name' failed to satisfy constraint: " +
				"Member must have length less than or equal to 80",
		},
		{func(in *sfn.CreateStateMachineInput) { in.RoleArn = aws.String("me") }, "InvalidArn", "Invalid Role Arn: 'me'"},
		{
			func(in *sfn.CreateStateMachineInput) { in.Definition = aws.String("{}") }, "InvalidDefinition",
			"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt, States] at /'",
		},
		{
			func(in *sfn.CreateStateMachineInput) { in.Definition = aws.String("StartAt: A") }, "InvalidDefinition",
			"Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: Unrecognized token 'StartAt': was expecting " +
				"(JSON String, Number, Array, Object or token 'null', 'true' or 'false')'",
		},
		{func(in *sfn.CreateStateMachineInput) {
			in.Definition = aws.String(`{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}`)
		}, "InvalidDefinition", "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next'"},
		{func(in *sfn.CreateStateMachineInput) { in.Type = "FAST" }, "ValidationException", "1 validation error detected: " +
			"Value 'FAST' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, EXPRESS]"},
		{
			func(in *sfn.CreateStateMachineInput) { in.VersionDescription = aws.String("x") }, "ValidationException",
			"Version description can only be set when publish is true",
		},
		{func(in *sfn.CreateStateMachineInput) {
			in.LoggingConfiguration = &types.LoggingConfiguration{Level: types.LogLevelAll, Destinations: []types.LogDestination{group, group}}
		}, "InvalidLoggingConfiguration", "Invalid Logging Configuration: Must specify exactly one Log Destination."},
		{func(in *sfn.CreateStateMachineInput) {
			in.EncryptionConfiguration = &types.EncryptionConfiguration{Type: types.EncryptionTypeCustomerManagedKmsKey, KmsKeyId: aws.String("k")}
		}, "InvalidEncryptionConfiguration", ""},
		{func(in *sfn.CreateStateMachineInput) {
			for i := range 51 {
				in.Tags = append(in.Tags, types.Tag{Key: aws.String(strconv.Itoa(i)), Value: aws.String("")})
			}
		}, "TooManyTags", ""},
	} {
		refused(t, create(c.change), c.code, c.message)
	}
	missing := arnOf("stateMachine", "missing")
	_, err := s.UpdateStateMachine(s.ctx, &sfn.UpdateStateMachineInput{StateMachineArn: missing, RoleArn: aws.String(role)})
	refused(t, err, "StateMachineDoesNotExist", "")
	_, err = s.UpdateStateMachine(s.ctx, &sfn.UpdateStateMachineInput{StateMachineArn: missing})
	refused(t, err, "MissingRequiredParameter", "")
	_, err = s.UpdateStateMachine(s.ctx, &sfn.UpdateStateMachineInput{StateMachineArn: arnOf("stateMachine", "m/Label"), RoleArn: aws.String(role)})
	refused(t, err, "ValidationException", "")
	_, err = s.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String("not_a_valid_arn")})
	refused(t, err, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: not_a_valid_arn'")
	_, err = s.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: arnOf("execution", "m:x")})
	refused(t, err, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: execution'")
	_, err = s.DeleteStateMachine(s.ctx, &sfn.DeleteStateMachineInput{StateMachineArn: arnOf("stateMachine", "m:1")})
	refused(t, err, "InvalidArn", "")
	_, err = s.DescribeStateMachineForExecution(s.ctx, &sfn.DescribeStateMachineForExecutionInput{ExecutionArn: arnOf("execution", "m:x")})
	refused(t, err, "ExecutionDoesNotExist", "Execution Does Not Exist: '"+*arnOf("execution", "m:x")+"'")
}

func TestListStateMachines(t *testing.T) {
	s := newServer(t)
	for i := range 7 {
		s.create(fmt.Sprintf("m%d", i), passMachine)
	}
	pages := sfn.NewListStateMachinesPaginator(s, &sfn.ListStateMachinesInput{MaxResults: 3})
	var names []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.StateMachines {
			names = append(names, *m.Name)
		}
	}
	same(t, "names", strings.Join(names, " "), "m0 m1 m2 m3 m4 m5 m6")
	first, err := s.ListStateMachines(s.ctx, &sfn.ListStateMachinesInput{MaxResults: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"x", "AAAA", *first.NextToken + "x", strings.ToUpper(*first.NextToken)} {
		_, err = s.ListStateMachines(s.ctx, &sfn.ListStateMachinesInput{NextToken: &token})
		refused(t, err, "InvalidToken", "Invalid Token: 'Invalid token'")
	}
	// The token of one list is none of another.
	_, err = s.ListActivities(s.ctx, &sfn.ListActivitiesInput{NextToken: first.NextToken})
	refused(t, err, "InvalidToken", "")
	_, err = s.ListStateMachines(s.ctx, &sfn.ListStateMachinesInput{MaxResults: 1001})
	refused(t, err, "ValidationException", "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: "+
		"Member must have value less than or equal to 1000")
}

func TestValidateDefinition(t *testing.T) {
	s := newServer(t)
	check := func(definition string, severity types.ValidateStateMachineDefinitionSeverity, limit int32) *sfn.ValidateStateMachineDefinitionOutput {
		t.Helper()
		out, err := s.ValidateStateMachineDefinition(s.ctx, &sfn.ValidateStateMachineDefinitionInput{
			Definition: &definition, Severity: severity, MaxResults: limit,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	good := check(passMachine, "", 0)
	same(t, "result", good.Result, types.ValidateStateMachineDefinitionResultCodeOk)
	same(t, "findings", len(good.Diagnostics), 0)

	bad := check(`{"StartAt": "A", "States": {"A": {"Type": "Task", "Next": "B"}}}`, "", 0)
	same(t, "result", bad.Result, types.ValidateStateMachineDefinitionResultCodeFail)
	if len(bad.Diagnostics) != 2 {
		t.Fatalf("the findings are %v", bad.Diagnostics)
	}
	d := bad.Diagnostics[0]
	same(t, "finding", fmt.Sprintln(d.Severity, *d.Code, *d.Location, *d.Message),
		"ERROR SCHEMA_VALIDATION_FAILED /States/A These fields are required: [Resource]\n")

	choice := `{"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": true, "Next": "B"}]}, "B": {"Type": "Succeed"}}}`
	same(t, "warnings unasked", len(check(choice, "", 0).Diagnostics), 0)
	warned := check(choice, types.ValidateStateMachineDefinitionSeverityWarning, 0)
	same(t, "warnings", len(warned.Diagnostics), 1)
	same(t, "a warning is no failure", warned.Result, types.ValidateStateMachineDefinitionResultCodeOk)

	cut := check(`{"StartAt": "A", "States": {"A": {"Type": "Task", "Next": "B"}, "C": {"Type": "Nothing"}}}`, "", 1)
	same(t, "findings", len(cut.Diagnostics), 1)
	same(t, "truncated", aws.ToBool(cut.Truncated), true)
}
