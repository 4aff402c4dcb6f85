// Command callback answers a task that waits for its token. It is an ordinary program for AWS Step Functions, which knows nothing of
// Tercel; where the service is it has from AWS_ENDPOINT_URL_SFN, as every program that uses AWS's SDK.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: callback TOKEN OUTPUT")
		os.Exit(2)
	}
	if err := tell(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tell completes the task.
func tell(ctx context.Context, token, output string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	_, err = sfn.NewFromConfig(cfg).SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: &output})
	if _, late := errors.AsType[*types.TaskTimedOut](err); late {
		fmt.Println("too late")
		return nil
	}
	if err != nil {
		return fmt.Errorf("telling the service: %w", err)
	}
	fmt.Println("told")
	return nil
}
