// Command worker does the tasks of an activity: it prices orders. It is an ordinary program for AWS Step Functions, which knows
// nothing of Tercel; where the service is it has from AWS_ENDPOINT_URL_SFN, as every program that uses AWS's SDK.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: worker ACTIVITY-ARN")
		os.Exit(2)
	}
	if err := work(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// work does tasks until it is interrupted.
func work(activity string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	w := worker{client: sfn.NewFromConfig(cfg), activity: activity}
	for ctx.Err() == nil {
		if err := w.next(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return nil
}

type worker struct {
	client   *sfn.Client
	activity string
}

// next waits for a task and does it.
func (w *worker) next(ctx context.Context) error {
	task, err := w.client.GetActivityTask(ctx, &sfn.GetActivityTaskInput{ActivityArn: &w.activity, WorkerName: aws.String("pricing")})
	if err != nil {
		return fmt.Errorf("asking for a task: %w", err)
	}
	if aws.ToString(task.TaskToken) == "" {
		return nil // none came while it waited
	}
	beats, done := context.WithCancel(ctx)
	defer done()
	go w.beat(beats, task.TaskToken)
	total, err := price(*task.Input)
	if err != nil {
		_, err = w.client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{
			TaskToken: task.TaskToken, Error: aws.String("BadOrder"), Cause: aws.String(err.Error()),
		})
	} else {
		_, err = w.client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: task.TaskToken, Output: aws.String(strconv.Itoa(total))})
	}
	if _, late := errors.AsType[*types.TaskTimedOut](err); late {
		return nil // the execution has gone on without
	}
	return err
}

// beat tells that the task is still worked on.
func (w *worker) beat(ctx context.Context, token *string) {
	for {
		_, _ = w.client.SendTaskHeartbeat(ctx, &sfn.SendTaskHeartbeatInput{TaskToken: token})
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Second):
		}
	}
}

// price adds up the lines of an order.
func price(order string) (total int, err error) {
	var read struct {
		Lines []struct {
			Quantity int `json:"quantity"`
			Price    int `json:"price"`
		} `json:"lines"`
	}
	if err := json.Unmarshal([]byte(order), &read); err != nil {
		return 0, fmt.Errorf("reading the order: %w", err)
	}
	if len(read.Lines) == 0 {
		return 0, errors.New("the order has no lines")
	}
	for _, l := range read.Lines {
		total += l.Quantity * l.Price
	}
	return total, nil
}
