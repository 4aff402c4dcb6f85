package main

import (
	"errors"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"

	"github.com/tercel-workflows/tercel/store/storetest"
)

// TestKeysOfTheCommandSign has AWS's SDK sign with what `tercel keys create` prints, for a server that `tercel serve` runs.
func TestKeysOfTheCommandSign(t *testing.T) {
	s := newShell(t)
	database := storetest.Empty(t)
	made := s.must(exitOK, "keys", "create", "app", "--scope", "deploy,read", "--database-url", database)
	id, secret := printed(t, made.err, "AWS_ACCESS_KEY_ID"), printed(t, made.err, "AWS_SECRET_ACCESS_KEY")
	url := s.serveProcess(database)
	create := func(secret string) error {
		client := sfn.New(sfn.Options{
			Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
		})
		_, err := client.CreateActivity(t.Context(), &sfn.CreateActivityInput{Name: aws.String("approve")})
		return err
	}
	if err := create(secret); err != nil {
		t.Error(err)
	}
	var refused smithy.APIError
	if err := create(secret + "x"); !errors.As(err, &refused) || refused.ErrorCode() != "InvalidSignatureException" {
		t.Errorf("with another secret it gives %v", err)
	}
}

// printed gives the value of a variable in what is printed for a shell.
func printed(t *testing.T, text, name string) string {
	t.Helper()
	found := regexp.MustCompile(name + `=(\S+)`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("%s is not in\n%s", name, text)
	}
	return found[1]
}
