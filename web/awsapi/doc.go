// Package awsapi is the AWS Step Functions API (2016-11-23) over JSON 1.0, at POST /: what the AWS SDKs, the AWS CLI,
// Terraform and the CDK speak.
//
// A request names its operation in the header X-Amz-Target, is bound to the operation's input and checked against the
// constraints of the service model, both with the service's messages, and is then translated into calls of the engine,
// which has the semantics. One table (operations.go) lists all operations with what each needs. Errors leave through one
// place (errors.go) as __type and message.
//
// docs/AWS-API.md tells what is the same as in the service and what differs.
package awsapi
