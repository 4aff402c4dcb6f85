package awsapi_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestClientCLI runs the AWS CLI, as a command for a few calls, and for all of the scenario within one process where its Python can be had: the command
// takes a second or more to start.
func TestClientCLI(t *testing.T) {
	if testing.Short() {
		t.Skip("AWS's other clients are for the long run")
	}
	if out, err := exec.CommandContext(t.Context(), "aws", "--version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "aws-cli/") {
		t.Skip("there is no AWS CLI on this machine: it is not tried (Debian has it as awscli)")
	}
	_, keys := guarded(t)
	t.Run("command", func(t *testing.T) {
		for _, c := range []struct{ words, want, secret string }{
			{"create-activity --name approve --query activityArn --output text", *arnOf("activity", "approve"), keys.Secret},
			{"describe-activity --activity-arn x", "An error occurred (InvalidArn) when calling the DescribeActivity operation: ", keys.Secret},
			{"list-activities", "An error occurred (InvalidSignatureException) when calling the ListActivities operation: ", "wrong"},
		} {
			env := keys.environ("AWS_PAGER=", "AWS_SECRET_ACCESS_KEY="+c.secret)
			if out := command(t, env, c.words+" --endpoint-url "+keys.Endpoint); !strings.HasPrefix(out, c.want) {
				t.Errorf("aws stepfunctions %s gives\n%s\nwant %s", c.words, out, c.want)
			}
		}
	})
	t.Run("scenario", func(t *testing.T) {
		python := pythonWith(t, "awscli", "awscli")
		_, keys := guarded(t)
		runs(t, "clients/cli", keys.environ("TERCEL_CLIENTS="+keys.file(t), "PYTHONDONTWRITEBYTECODE=1",
			"AWS_DISABLE_HOST_PREFIX_INJECTION=true", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1"), python, "suite.py")
	})
}

// command runs the CLI with some words, and gives what it prints, be it an answer or an error.
func command(t *testing.T, env []string, words string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "aws", append([]string{"stepfunctions"}, strings.Fields(words)...)...)
	cmd.Env, cmd.WaitDelay = env, time.Second
	out, _ := cmd.CombinedOutput()
	return strings.TrimSpace(string(out))
}
