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

func route(arn string, weight int32) types.RoutingConfigurationListItem {
	return types.RoutingConfigurationListItem{StateMachineVersionArn: &arn, Weight: weight}
}

// versioned gives a machine with two versions: 1 is passMachine, 2 is otherMachine.
func (s *server) versioned(name string) *string {
	s.t.Helper()
	arn := s.create(name, passMachine, func(in *sfn.CreateStateMachineInput) {
		in.Publish, in.VersionDescription = true, aws.String("the first")
	})
	out, err := s.UpdateStateMachine(s.ctx, &sfn.UpdateStateMachineInput{StateMachineArn: arn, Definition: aws.String(otherMachine), Publish: true})
	if err != nil || aws.ToString(out.StateMachineVersionArn) != *arn+":2" {
		s.t.Fatalf("the update gives %v, %v", out, err)
	}
	return arn
}

func TestVersions(t *testing.T) {
	s := newServer(t)
	arn := s.versioned("orders")
	one, err := s.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(*arn + ":1")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ARN", *one.StateMachineArn, *arn+":1")
	same(t, "definition", *one.Definition, passMachine)
	same(t, "description", *one.Description, "the first")

	// Publishing what is published gives the version that it has.
	again, err := s.PublishStateMachineVersion(s.ctx, &sfn.PublishStateMachineVersionInput{StateMachineArn: arn})
	if err != nil || *again.StateMachineVersionArn != *arn+":2" {
		t.Errorf("publishing again gives %v, %v", again, err)
	}
	_, err = s.PublishStateMachineVersion(s.ctx, &sfn.PublishStateMachineVersionInput{StateMachineArn: arn, RevisionId: aws.String("INITIAL")})
	refused(t, err, "ConflictException", "")
	_, err = s.PublishStateMachineVersion(s.ctx, &sfn.PublishStateMachineVersionInput{StateMachineArn: arnOf("stateMachine", "none")})
	refused(t, err, "StateMachineDoesNotExist", "")

	s.list(arn, ":2 :1")
	for range 2 {
		if _, err := s.DeleteStateMachineVersion(s.ctx, &sfn.DeleteStateMachineVersionInput{StateMachineVersionArn: aws.String(*arn + ":2")}); err != nil {
			t.Fatal(err)
		}
	}
	s.list(arn, ":1")
	// The number is not given again.
	third, err := s.PublishStateMachineVersion(s.ctx, &sfn.PublishStateMachineVersionInput{StateMachineArn: arn})
	if err != nil || *third.StateMachineVersionArn != *arn+":3" {
		t.Errorf("publishing after a deletion gives %v, %v", third, err)
	}
	_, err = s.StartExecution(s.ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(*arn + ":2")})
	refused(t, err, "StateMachineDoesNotExist", "State Machine Does Not Exist: '"+*arn+":2'")
	_, err = s.DeleteStateMachineVersion(s.ctx, &sfn.DeleteStateMachineVersionInput{StateMachineVersionArn: arn})
	refused(t, err, "InvalidArn", "")
	_, err = s.ListStateMachineVersions(s.ctx, &sfn.ListStateMachineVersionsInput{StateMachineArn: arn, NextToken: aws.String("x")})
	refused(t, err, "InvalidToken", "")
}

// list checks the versions of a machine, read two at a time.
func (s *server) list(arn *string, want string) {
	s.t.Helper()
	var got string
	var token *string
	for {
		page, err := s.ListStateMachineVersions(s.ctx, &sfn.ListStateMachineVersionsInput{StateMachineArn: arn, MaxResults: 1, NextToken: token})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, v := range page.StateMachineVersions {
			if got != "" {
				got += " "
			}
			got += (*v.StateMachineVersionArn)[len(*arn):]
		}
		if token = page.NextToken; token == nil {
			break
		}
	}
	same(s.t, "versions", got, want)
}

func TestStartByVersionAndAlias(t *testing.T) {
	s := newServer(t)
	arn := s.versioned("orders")
	for version, output := range map[int]string{1: `{}`, 2: `2`} {
		x := s.end(s.start(aws.String(fmt.Sprintf("%s:%d", *arn, version)), "", "{}"))
		same(t, "output", *x.Output, output)
		same(t, "version", *x.StateMachineVersionArn, fmt.Sprintf("%s:%d", *arn, version))
		same(t, "machine", *x.StateMachineArn, *arn)
		same(t, "alias", x.StateMachineAliasArn, nil)
	}
	alias, err := s.CreateStateMachineAlias(s.ctx, &sfn.CreateStateMachineAliasInput{
		Name: aws.String("PROD"), RoutingConfiguration: []types.RoutingConfigurationListItem{route(*arn+":1", 50), route(*arn+":2", 50)},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ARN", *alias.StateMachineAliasArn, *arn+":PROD")
	// 60 starts all on one side happen once in 2^59 times.
	seen := map[string]int{}
	for range 60 {
		x := s.end(s.start(alias.StateMachineAliasArn, "", "{}"))
		same(t, "alias", *x.StateMachineAliasArn, *arn+":PROD")
		seen[*x.StateMachineVersionArn]++
	}
	same(t, "versions chosen", len(seen), 2)

	// All to the second one: at once, for all starts that follow.
	if _, err := s.UpdateStateMachineAlias(s.ctx, &sfn.UpdateStateMachineAliasInput{
		StateMachineAliasArn: alias.StateMachineAliasArn, Description: aws.String("settled"),
		RoutingConfiguration: []types.RoutingConfigurationListItem{route(*arn+":1", 0), route(*arn+":2", 100)},
	}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		same(t, "version", *s.end(s.start(alias.StateMachineAliasArn, "", "{}")).StateMachineVersionArn, *arn+":2")
	}
	for filter, want := range map[string]int{"": 82, ":PROD": 80, ":1": seen[*arn+":1"] + 1, ":2": seen[*arn+":2"] + 21} {
		list, err := s.ListExecutions(s.ctx, &sfn.ListExecutionsInput{StateMachineArn: aws.String(*arn + filter), MaxResults: 1000})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "executions of "+filter, len(list.Executions), want)
		for _, x := range list.Executions {
			same(t, "a version is told", x.StateMachineVersionArn != nil, true)
			same(t, "an alias is told", x.StateMachineAliasArn != nil || filter != ":PROD", true)
		}
	}
}

func TestAliases(t *testing.T) {
	s := newServer(t)
	arn := s.versioned("orders")
	other := s.versioned("others")
	create := func(name string, routes ...types.RoutingConfigurationListItem) error {
		_, err := s.CreateStateMachineAlias(s.ctx, &sfn.CreateStateMachineAliasInput{
			Name: &name, Description: aws.String("d"), RoutingConfiguration: routes,
		})
		return err
	}
	for _, name := range []string{"PROD", "PROD", "a", "b.c_d-1"} { // the second is the first
		if err := create(name, route(*arn+":1", 100)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.DescribeStateMachineAlias(s.ctx, &sfn.DescribeStateMachineAliasInput{StateMachineAliasArn: aws.String(*arn + ":PROD")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "alias", fmt.Sprintln(*got.Name, *got.Description, *got.RoutingConfiguration[0].StateMachineVersionArn, got.RoutingConfiguration[0].Weight),
		fmt.Sprintln("PROD", "d", *arn+":1", 100))
	described, err := s.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(*arn + ":PROD")})
	if err != nil || *described.Definition != passMachine {
		t.Errorf("the machine of an alias is %v, %v", described, err)
	}
	first, err := s.ListStateMachineAliases(s.ctx, &sfn.ListStateMachineAliasesInput{StateMachineArn: arn, MaxResults: 2})
	if err != nil || len(first.StateMachineAliases) != 2 {
		t.Fatalf("the first page is %v, %v", first, err)
	}
	second, err := s.ListStateMachineAliases(s.ctx, &sfn.ListStateMachineAliasesInput{StateMachineArn: arn, MaxResults: 2, NextToken: first.NextToken})
	if err != nil || len(second.StateMachineAliases) != 1 || second.NextToken != nil {
		t.Errorf("the second page is %v, %v", second, err)
	}
	none, err := s.ListStateMachineAliases(s.ctx, &sfn.ListStateMachineAliasesInput{StateMachineArn: aws.String(*arn + ":2")})
	if err != nil || len(none.StateMachineAliases) != 0 {
		t.Errorf("the aliases of version 2 are %v, %v", none, err)
	}

	refused(t, create("PROD", route(*arn+":2", 100)), "ConflictException", "Failed to create alias because an alias with the same name "+
		"and a different routing configuration already exists.")
	refused(t, create("123", route(*arn+":1", 100)), "ValidationException", "1 validation error detected: Value '123' at 'name' "+
		`failed to satisfy constraint: Member must satisfy regular expression pattern: ^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$`)
	refused(t, create("x", route(*arn+":1", 60), route(*arn+":2", 60)), "ValidationException",
		"Sum of routing configuration weights must equal 100. Received: [60, 60]")
	refused(t, create("x", route(*arn+":1", 50), route(*arn+":1", 50)), "ValidationException", "")
	refused(t, create("x", route(*arn+":1", 50), route(*other+":1", 50)), "ValidationException", "")
	refused(t, create("x", route(*arn+":1", 50), route(*arn+":2", 40), route(*arn+":3", 10)), "ValidationException", "")
	refused(t, create("x", route(*arn+":9", 100)), "ResourceNotFound", "")
	refused(t, create("x", route(*arn, 100)), "InvalidArn", "")
	refused(t, create("x", route("none", 100)), "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: none'")

	_, err = s.DeleteStateMachineVersion(s.ctx, &sfn.DeleteStateMachineVersionInput{StateMachineVersionArn: aws.String(*arn + ":1")})
	refused(t, err, "ConflictException", "Version to be deleted must not be referenced by an alias. "+
		"Current list of aliases referencing this version: [PROD, a, b.c_d-1]")
	_, err = s.UpdateStateMachineAlias(s.ctx, &sfn.UpdateStateMachineAliasInput{StateMachineAliasArn: aws.String(*arn + ":PROD")})
	refused(t, err, "ValidationException", "")
	_, err = s.UpdateStateMachineAlias(s.ctx, &sfn.UpdateStateMachineAliasInput{
		StateMachineAliasArn: aws.String(*arn + ":none"), Description: aws.String("d"),
	})
	refused(t, err, "ResourceNotFound", "")
	_, err = s.ListStateMachineAliases(s.ctx, &sfn.ListStateMachineAliasesInput{StateMachineArn: arnOf("stateMachine", "none")})
	refused(t, err, "StateMachineDoesNotExist", "")

	if _, err := s.DeleteStateMachineAlias(s.ctx, &sfn.DeleteStateMachineAliasInput{StateMachineAliasArn: aws.String(*arn + ":PROD")}); err != nil {
		t.Fatal(err)
	}
	_, err = s.DeleteStateMachineAlias(s.ctx, &sfn.DeleteStateMachineAliasInput{StateMachineAliasArn: aws.String(*arn + ":PROD")})
	refused(t, err, "ResourceNotFound", "")
	_, err = s.DescribeStateMachineAlias(s.ctx, &sfn.DescribeStateMachineAliasInput{StateMachineAliasArn: aws.String(*arn + ":PROD")})
	refused(t, err, "ResourceNotFound", "")
	_, err = s.DescribeStateMachineAlias(s.ctx, &sfn.DescribeStateMachineAliasInput{StateMachineAliasArn: arn})
	refused(t, err, "InvalidArn", "")
	_, err = s.StartExecution(s.ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(*arn + ":PROD")})
	refused(t, err, "StateMachineDoesNotExist", "")
}

func TestTags(t *testing.T) {
	s := newServer(t)
	machine := s.create("orders", passMachine, func(in *sfn.CreateStateMachineInput) {
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}}
	})
	made, err := s.CreateActivity(s.ctx, &sfn.CreateActivityInput{
		Name: aws.String("approve"), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, arn := range []*string{machine, made.ActivityArn} {
		tags := func(want string) {
			t.Helper()
			out, err := s.ListTagsForResource(s.ctx, &sfn.ListTagsForResourceInput{ResourceArn: arn})
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, tag := range out.Tags {
				got.WriteString(*tag.Key + "=" + *tag.Value + " ")
			}
			same(t, "tags", got.String(), want)
		}
		tags("team=red ")
		if _, err := s.TagResource(s.ctx, &sfn.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{
			{Key: aws.String("team"), Value: aws.String("blue")}, {Key: aws.String("cost"), Value: aws.String("")},
		}}); err != nil {
			t.Fatal(err)
		}
		tags("cost= team=blue ")
		var many []types.Tag
		for i := range 49 {
			many = append(many, types.Tag{Key: aws.String(strconv.Itoa(i)), Value: aws.String("v")})
		}
		_, err = s.TagResource(s.ctx, &sfn.TagResourceInput{ResourceArn: arn, Tags: many})
		refused(t, err, "TooManyTags", "")
		tags("cost= team=blue ")
		if _, err := s.UntagResource(s.ctx, &sfn.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"team", "none"}}); err != nil {
			t.Fatal(err)
		}
		tags("cost= ")
	}
	for _, arn := range []*string{arnOf("stateMachine", "none"), arnOf("activity", "none")} {
		_, err := s.ListTagsForResource(s.ctx, &sfn.ListTagsForResourceInput{ResourceArn: arn})
		refused(t, err, "ResourceNotFound", "Resource not found: '"+*arn+"'")
		_, err = s.TagResource(s.ctx, &sfn.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{}})
		refused(t, err, "ResourceNotFound", "")
		_, err = s.UntagResource(s.ctx, &sfn.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
		refused(t, err, "ResourceNotFound", "")
	}
	_, err = s.ListTagsForResource(s.ctx, &sfn.ListTagsForResourceInput{ResourceArn: aws.String("x")})
	refused(t, err, "InvalidArn", "")
	// What is made anew under the name has none of the tags.
	if _, err := s.DeleteActivity(s.ctx, &sfn.DeleteActivityInput{ActivityArn: made.ActivityArn}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateActivity(s.ctx, &sfn.CreateActivityInput{Name: aws.String("approve")}); err != nil {
		t.Fatal(err)
	}
	out, err := s.ListTagsForResource(s.ctx, &sfn.ListTagsForResourceInput{ResourceArn: made.ActivityArn})
	if err != nil || len(out.Tags) != 0 {
		t.Errorf("the tags are %v, %v", out, err)
	}
}

// A machine has at most 100 aliases and 1,000 versions. The versions up to the last are put into the database.
func TestQuotasOfAMachine(t *testing.T) {
	s := newServer(t)
	arn := s.versioned("full")
	for i := range 100 {
		_, err := s.CreateStateMachineAlias(s.ctx, &sfn.CreateStateMachineAliasInput{
			Name: aws.String(fmt.Sprint("a", i)), RoutingConfiguration: []types.RoutingConfigurationListItem{route(*arn+":1", 100)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.CreateStateMachineAlias(s.ctx, &sfn.CreateStateMachineAliasInput{
		Name: aws.String("b"), RoutingConfiguration: []types.RoutingConfigurationListItem{route(*arn+":1", 100)},
	})
	refused(t, err, "ServiceQuotaExceededException", "")

	_, err = s.pool.Exec(s.ctx, `WITH made AS (
			INSERT INTO revisions (id, machine, number, type, definition)
			SELECT gen_random_uuid(), machine, number + n, type, definition FROM revisions, generate_series(1, 997) n WHERE number = 2
			RETURNING id, machine, number)
		INSERT INTO versions (machine, number, revision) SELECT machine, number, id FROM made`)
	if err == nil {
		_, err = s.pool.Exec(s.ctx, "UPDATE state_machines SET last_version = 999")
	}
	if err != nil {
		t.Fatal(err)
	}
	s.republish(arn, waitMachine, "")
	s.republish(arn, failMachine, "ServiceQuotaExceededException")
	if _, err := s.DeleteStateMachineVersion(s.ctx, &sfn.DeleteStateMachineVersionInput{StateMachineVersionArn: aws.String(*arn + ":500")}); err != nil {
		t.Fatal(err)
	}
	s.republish(arn, failMachine, "")
}

// republish updates a machine and publishes that, which is refused with an error if one is given.
func (s *server) republish(arn *string, definition, refusal string) {
	s.t.Helper()
	_, err := s.UpdateStateMachine(s.ctx, &sfn.UpdateStateMachineInput{StateMachineArn: arn, Definition: &definition})
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = s.PublishStateMachineVersion(s.ctx, &sfn.PublishStateMachineVersionInput{StateMachineArn: arn})
	if refusal != "" {
		refused(s.t, err, refusal, "")
	} else if err != nil {
		s.t.Fatal(err)
	}
}
