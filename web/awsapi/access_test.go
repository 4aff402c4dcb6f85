package awsapi_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/tercel-workflows/tercel/engine/access"
)

// TestSignatures drives a server that asks for keys with AWS's own signer.
func TestSignatures(t *testing.T) {
	s := startServer(t, access.Config{Exposed: true})
	key := func(n access.NewKey) *sfn.Client {
		t.Helper()
		made, err := s.access.Create(s.ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		return s.client(made.ID, made.AWSSecret)
	}
	deployer := key(access.NewKey{Name: "deployer", Scopes: []access.Scope{access.Deploy, access.Read}})
	runner := key(access.NewKey{Name: "runner", Scopes: []access.Scope{access.Run, access.Read}})
	shop := key(access.NewKey{Name: "shop", Scopes: []access.Scope{access.Deploy, access.Read, access.Run}, Namespaces: []string{"shop"}})

	create := func(c *sfn.Client) (*sfn.CreateStateMachineOutput, error) {
		return c.CreateStateMachine(s.ctx, &sfn.CreateStateMachineInput{
			Name: aws.String("orders"), Definition: aws.String(passMachine), RoleArn: aws.String(role),
		})
	}
	made, err := create(deployer)
	if err != nil {
		t.Fatal(err)
	}
	_, err = create(runner)
	refused(t, err, "AccessDeniedException", "")
	x, err := runner.StartExecution(s.ctx, &sfn.StartExecutionInput{StateMachineArn: made.StateMachineArn})
	if err != nil {
		t.Fatal(err)
	}
	_, err = deployer.StartExecution(s.ctx, &sfn.StartExecutionInput{StateMachineArn: made.StateMachineArn})
	refused(t, err, "AccessDeniedException", "")

	// A key for one namespace works in that one, where there is another machine of the name.
	_, err = shop.DescribeStateMachine(s.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: made.StateMachineArn})
	refused(t, err, "StateMachineDoesNotExist", "")
	if _, err := create(shop); err != nil {
		t.Error(err)
	}
	_, err = shop.DescribeExecution(s.ctx, &sfn.DescribeExecutionInput{ExecutionArn: x.ExecutionArn})
	refused(t, err, "ExecutionDoesNotExist", "")

	_, err = create(s.client("TKIAXXXXXXXXXXXXXXXX", "secret"))
	refused(t, err, "UnrecognizedClientException", "")
	_, err = create(s.client(strings.ToUpper("akia0000000000000000"), "secret"))
	refused(t, err, "UnrecognizedClientException", "")
	anonymous := sfn.New(deployer.Options(), func(o *sfn.Options) { o.Credentials = aws.AnonymousCredentials{} })
	_, err = create(anonymous)
	refused(t, err, "MissingAuthenticationTokenException", "")

	// What was changed is in the audit, and what was refused.
	if err := s.access.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	entries, err := s.access.Audit(s.ctx, access.AuditFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		if e.Action == "states:CreateStateMachine" || e.Action == "states:StartExecution" {
			found = append(found, strings.Join([]string{e.Actor, e.Action, e.Namespace, e.Resource, e.Outcome}, " "))
		}
	}
	want := []string{
		"deployer states:CreateStateMachine default orders " + access.OutcomeOK,
		"runner states:StartExecution default " + *made.StateMachineArn + " " + access.OutcomeOK,
		"shop states:CreateStateMachine shop orders " + access.OutcomeOK,
	}
	for _, w := range want {
		if !strings.Contains(strings.Join(found, "\n"), w) {
			t.Errorf("the audit lacks %q; it has\n%s", w, strings.Join(found, "\n"))
		}
	}
}
