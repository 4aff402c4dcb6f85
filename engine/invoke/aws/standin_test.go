package aws_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/engine/invoke/aws"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The stand-ins of DynamoDB and S3 come from npm. Where npm or its registry cannot be reached, these tests are skipped.

// npmPackages are installed once, into the user's cache.
var npmPackages = []string{"dynalite@4", "s3rver@3"}

// standIns gives the folder of the installed packages.
func standIns(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("npm's stand-ins are for the long run")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("there is no npm on this machine")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "tercel-test-npm")
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Skipf("making the folder for npm: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, npm, append([]string{"install", "--no-audit", "--no-fund", "--prefix", dir}, npmPackages...)...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install %s: %v\n%s", strings.Join(npmPackages, " "), err, out)
	}
	if err := os.WriteFile(done, nil, 0o644); err != nil {
		t.Skipf("marking the installation: %v", err)
	}
	return dir
}

// freePort gives a port that nobody listens on at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// launch starts a script of node and waits for a line of its output.
func launch(t *testing.T, dir, ready, script string, words ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", append([]string{"-e", script}, words...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Skipf("node does not start: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), ready) {
			return
		}
	}
	t.Skipf("the stand-in did not start: %v", lines.Err())
}

func TestDynamoDBStandIn(t *testing.T) {
	dir := standIns(t)
	port := freePort(t)
	launch(t, dir, "ready", `require('dynalite')({createTableMs: 0}).listen(+process.argv[1], '127.0.0.1', () => console.log('ready'))`, port)
	c := client(t, "dynamodb", "http://127.0.0.1:"+port)
	must := func(resource, arguments string) *value.Value {
		t.Helper()
		v, err := ask(t, c, resource, arguments)
		if err != nil {
			t.Fatalf("%s: %v", resource, err)
		}
		return v
	}
	must("aws-sdk:dynamodb:createTable", `{"TableName": "orders", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
		"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}`)
	for deadline := time.Now().Add(30 * time.Second); ; {
		v := must("aws-sdk:dynamodb:describeTable", `{"TableName": "orders"}`)
		if v.Get("Table").Get("TableStatus").Text() == "ACTIVE" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the table does not become active: %s", v)
		}
	}
	item := `"Item": {"id": {"S": "id1"}, "data": {"S": "HelloWorld"}}`
	if v := must("aws-sdk:dynamodb:putItem", `{"TableName": "orders", `+item+`}`); v.String() != "{}" {
		t.Errorf("putItem gave %s", v)
	}
	v := must("dynamodb:getItem", `{"TableName": "orders", "Key": {"id": {"S": "id1"}}}`)
	if v.Get("Item").Get("data").Get("S").Text() != "HelloWorld" || v.Get("SdkHttpMetadata").Get("HttpStatusCode").String() != "200" {
		t.Errorf("getItem gave %s", v)
	}
	v = must("dynamodb:updateItem", `{"TableName": "orders", "Key": {"id": {"S": "id1"}}, "UpdateExpression": "set amount = :r",
		"ExpressionAttributeValues": {":r": {"N": "12"}}, "ReturnValues": "UPDATED_NEW"}`)
	if v.Get("Attributes").Get("amount").Get("N").Text() != "12" {
		t.Errorf("updateItem gave %s", v)
	}
	conditional := `{"TableName": "orders", "ConditionExpression": "attribute_not_exists(id)", ` + item + `}`
	_, err := ask(t, c, "dynamodb:putItem", conditional)
	wantError(t, err, "DynamoDB.ConditionalCheckFailedException", "Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ConditionalCheckFailedException; Request ID: ")
	_, err = ask(t, c, "aws-sdk:dynamodb:putItem", conditional)
	wantError(t, err, "DynamoDb.ConditionalCheckFailedException", "(Service: DynamoDb, Status Code: 400, Request ID: ")
	_, err = ask(t, c, "aws-sdk:dynamodb:getItem", `{"TableName": "none-such", "Key": {"id": {"S": "id1"}}}`)
	wantError(t, err, "DynamoDb.ResourceNotFoundException", "Requested resource not found")
	_, err = ask(t, c, "dynamodb:putItem", `{"TableName": "/invalid", `+item+`}`)
	wantError(t, err, "DynamoDB.AmazonDynamoDBException", "Error Code: ValidationException")
	_, err = ask(t, c, "aws-sdk:dynamodb:putItem", `{"TableName": "/invalid", `+item+`}`)
	wantError(t, err, "DynamoDb.DynamoDbException", "Status Code: 400")
	must("dynamodb:deleteItem", `{"TableName": "orders", "Key": {"id": {"S": "id1"}}}`)
	if v := must("aws-sdk:dynamodb:getItem", `{"TableName": "orders", "Key": {"id": {"S": "id1"}}}`); v.String() != "{}" {
		t.Errorf("after the deletion getItem gave %s", v)
	}
}

func TestS3StandIn(t *testing.T) {
	dir := standIns(t)
	port := freePort(t)
	launch(t, dir, "ready", `const S3rver = require('s3rver');
		new S3rver({port: +process.argv[1], address: '127.0.0.1', silent: true, directory: process.argv[2], configureBuckets: [{name: 'files'}]})
			.run().then(() => console.log('ready'))`, port, t.TempDir())
	c := aws.New(aws.Config{ // the stand-in knows one key
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("S3RVER", "S3RVER", ""),
		Guard: invoke.Guard{AllowPrivate: true}, Endpoints: map[string]string{"s3": "http://127.0.0.1:" + port},
	})
	for body, want := range map[string]string{
		`"text data"`: "text data", `{"Dict": "Data"}`: `{"Dict": "Data"}`, `["List", "Data"]`: `["List", "Data"]`, `false`: "false", `0`: "0",
	} {
		key := fmt.Sprintf("folder/a key + %d ä.txt", len(body))
		name, _ := json.Marshal(key)
		v, err := ask(t, c, "aws-sdk:s3:putObject", `{"Bucket": "files", "Key": `+string(name)+`, "Body": `+body+`,
			"ContentType": "text/plain", "Metadata": {"origin": "test"}}`)
		if err != nil || !strings.HasPrefix(v.Get("ETag").Text(), `"`) {
			t.Fatalf("putObject of %s: %v, %v", body, v, err)
		}
		v, err = ask(t, c, "aws-sdk:s3:getObject", `{"Bucket": "files", "Key": `+string(name)+`}`)
		if err != nil {
			t.Fatal(err)
		}
		if v.Get("Body").Text() != want || v.Get("ContentType").Text() != "text/plain" || v.Get("Metadata").String() != `{"origin":"test"}` ||
			v.Get("ContentLength").String() != strconv.Itoa(len(want)) {
			t.Errorf("getObject gave %s", v)
		}
		if _, err := time.Parse(time.RFC3339, v.Get("LastModified").Text()); err != nil {
			t.Error(err)
		}
	}
	_, err := ask(t, c, "aws-sdk:s3:getObject", `{"Bucket": "files", "Key": "none"}`)
	wantError(t, err, "S3.NoSuchKeyException", "(Service: S3, Status Code: 404, Request ID: ")
	_, err = ask(t, c, "aws-sdk:s3:getObject", `{"Bucket": "nowhere", "Key": "none"}`)
	wantError(t, err, "S3.NoSuchBucketException", "Status Code: 404")
	_, err = ask(t, c, "aws-sdk:s3:getObject", `{"Bucket": "files"}`)
	wantError(t, err, "States.Runtime", "The field 'Key' is required but was missing")
}
