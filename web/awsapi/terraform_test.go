package awsapi_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// stack makes the calls of Terraform's aws_sfn_state_machine, in its order and with its members.
type stack struct {
	*server
}

// apply creates the state machine: it is validated at plan, created, and read back.
func (s stack) apply(definition string) *string {
	s.t.Helper()
	s.plan(definition)
	out, err := s.CreateStateMachine(s.ctx, &sfn.CreateStateMachineInput{
		Name: aws.String("orders"), Definition: &definition, RoleArn: aws.String(role), Type: types.StateMachineTypeStandard, Publish: true,
		VersionDescription: aws.String("from the pipeline"), Tags: tagsOf("stage", "test"),
		EncryptionConfiguration: &types.EncryptionConfiguration{Type: types.EncryptionTypeAwsOwnedKey},
		LoggingConfiguration:    &types.LoggingConfiguration{Level: types.LogLevelOff},
		TracingConfiguration:    &types.TracingConfiguration{},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	same(s.t, "version", aws.ToString(out.StateMachineVersionArn), *out.StateMachineArn+":1")
	return out.StateMachineArn
}

func (s stack) plan(definition string) {
	s.t.Helper()
	out, err := s.ValidateStateMachineDefinition(s.ctx, &sfn.ValidateStateMachineDefinitionInput{
		Definition: &definition, Type: types.StateMachineTypeStandard,
	})
	if err != nil || out.Result != types.ValidateStateMachineDefinitionResultCodeOk {
		s.t.Fatalf("the definition is found %v, %v", out, err)
	}
}

// read is what each plan and each apply ends with: a description whose attributes must be those of the configuration, or the
// next plan wants to change them.
func (s stack) read(arn *string, definition, version, description string) {
	s.t.Helper()
	got, err := s.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: arn})
	if err != nil {
		s.t.Fatal(err)
	}
	same(s.t, "what is read", fmt.Sprint(*got.Name, *got.RoleArn, got.Type, got.Status, got.LoggingConfiguration.Level,
		got.LoggingConfiguration.IncludeExecutionData, got.TracingConfiguration.Enabled),
		fmt.Sprint("orders", role, types.StateMachineTypeStandard, types.StateMachineStatusActive, types.LogLevelOff, false, false))
	same(s.t, "definition", *got.Definition, definition)
	if got.EncryptionConfiguration == nil || got.EncryptionConfiguration.Type != types.EncryptionTypeAwsOwnedKey || got.CreationDate == nil {
		s.t.Errorf("the encryption is %v, the creation %v", got.EncryptionConfiguration, got.CreationDate)
	}
	versions, err := s.ListStateMachineVersions(s.ctx, &sfn.ListStateMachineVersionsInput{StateMachineArn: arn, MaxResults: 1})
	if err != nil || len(versions.StateMachineVersions) != 1 {
		s.t.Fatalf("the versions are %v, %v", versions, err)
	}
	latest := versions.StateMachineVersions[0].StateMachineVersionArn
	same(s.t, "latest version", *latest, *arn+":"+version)
	of, err := s.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: latest})
	if err != nil {
		s.t.Fatal(err)
	}
	same(s.t, "description of the version", aws.ToString(of.Description), description)
}

func (s stack) tags(arn *string, want ...types.Tag) {
	s.t.Helper()
	out, err := s.ListTagsForResource(s.ctx, &sfn.ListTagsForResourceInput{ResourceArn: arn})
	if err != nil || len(out.Tags) != len(want) {
		s.t.Fatalf("the tags are %v, %v", out, err)
	}
	for i := range want {
		same(s.t, "tag", *out.Tags[i].Key+"="+*out.Tags[i].Value, *want[i].Key+"="+*want[i].Value)
	}
}

// update changes the definition, and waits until the description has it, as the service's consistency asks for.
func (s stack) update(arn *string, definition string) {
	s.t.Helper()
	s.plan(definition)
	before, err := s.UpdateStateMachine(s.ctx, &sfn.UpdateStateMachineInput{
		StateMachineArn: arn, Definition: &definition, RoleArn: aws.String(role), Publish: true, VersionDescription: aws.String("again"),
		EncryptionConfiguration: &types.EncryptionConfiguration{Type: types.EncryptionTypeAwsOwnedKey},
		LoggingConfiguration:    &types.LoggingConfiguration{Level: types.LogLevelOff},
		TracingConfiguration:    &types.TracingConfiguration{},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	same(s.t, "version", aws.ToString(before.StateMachineVersionArn), *arn+":2")
	if _, err := s.TagResource(s.ctx, &sfn.TagResourceInput{ResourceArn: arn, Tags: tagsOf("team", "shop")}); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.UntagResource(s.ctx, &sfn.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"stage"}}); err != nil {
		s.t.Fatal(err)
	}
}

// destroy deletes the state machine and waits until it is gone, whether it goes by way of DELETING or at once.
func (s stack) destroy(arn *string) {
	s.t.Helper()
	if _, err := s.DeleteStateMachine(s.ctx, &sfn.DeleteStateMachineInput{StateMachineArn: arn}); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	for {
		got, err := s.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: arn})
		if _, gone := errors.AsType[*types.StateMachineDoesNotExist](err); gone {
			return
		}
		if err != nil || got.Status != types.StateMachineStatusDeleting {
			s.t.Fatalf("a deleted state machine is %v, %v", got, err)
		}
	}
}

func TestTerraform(t *testing.T) {
	s := stack{newServer(t)}
	arn := s.apply(passMachine)
	s.read(arn, passMachine, "1", "from the pipeline")
	s.tags(arn, tagsOf("stage", "test")...)
	s.update(arn, otherMachine)
	s.read(arn, otherMachine, "2", "again")
	s.tags(arn, tagsOf("team", "shop")...)

	// An alias is a resource of its own.
	alias, err := s.CreateStateMachineAlias(s.ctx, &sfn.CreateStateMachineAliasInput{
		Name: aws.String("live"), RoutingConfiguration: []types.RoutingConfigurationListItem{{StateMachineVersionArn: aws.String(*arn + ":2"), Weight: 100}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.DescribeStateMachineAlias(s.ctx, &sfn.DescribeStateMachineAliasInput{StateMachineAliasArn: alias.StateMachineAliasArn})
	if err != nil || *got.Name != "live" {
		t.Fatalf("the alias is %v, %v", got, err)
	}
	if _, err := s.DeleteStateMachineAlias(s.ctx, &sfn.DeleteStateMachineAliasInput{StateMachineAliasArn: alias.StateMachineAliasArn}); err != nil {
		t.Fatal(err)
	}
	s.destroy(arn)

	// An apply after a destroy finds nothing in its way.
	s.read(s.apply(otherMachine), otherMachine, "1", "from the pipeline")
}

func tagsOf(key, value string) []types.Tag { return []types.Tag{{Key: &key, Value: &value}} }
