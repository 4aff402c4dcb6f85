// Command callback answers a task that waits for its token. It is an ordinary program for AWS Step Functions, which knows nothing of
// Tercel; where the service is it has from AWS_ENDPOINT_URL_SFN, as every program that uses AWS's SDK.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: callback TOKEN OUTPUT")
	}
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_, err = sfn.NewFromConfig(cfg).SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &os.Args[1], Output: &os.Args[2]})
	if _, late := errors.AsType[*types.TaskTimedOut](err); late {
		fmt.Println("too late")
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("told")
}
