package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/worker"
)

func (a *app) activityCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "activity",
		Aliases: []string{"activities"},
		Short:   "Create activities, and work on their tasks",
		Long: `Activities are names under which tasks wait for workers that poll: a state has the resource activity:NAME, and a worker
asks for a task, does it, and answers with its token. Any number of workers may poll for one activity.`,
		Args: a.knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "create NAME", Short: "Create an activity; one that is there already stays as it is", Args: args(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, words []string) error {
				return a.showActivity(a.client().CreateActivity(cmd.Context(), words[0]))
			},
		},
		&cobra.Command{
			Use: "list", Aliases: []string{"ls"}, Short: "List the activities", Args: args(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.listActivities(cmd.Context()) },
		},
		&cobra.Command{
			Use: "describe NAME", Short: "Show an activity", Args: args(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, words []string) error {
				return a.showActivity(a.client().Activity(cmd.Context(), words[0]))
			},
		},
		&cobra.Command{
			Use: "delete NAME", Short: "Remove an activity; tasks that are for it fail from then on", Args: args(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, words []string) error {
				return a.deleted(a.client().DeleteActivity(cmd.Context(), words[0]), words[0])
			},
		},
		a.activityPollCommand(),
	)
	return cmd
}

func (a *app) showActivity(activity wire.Activity, err error) error {
	switch {
	case err != nil:
		return err
	case a.json:
		return a.printJSON(activity)
	}
	a.printf("Activity %s, created %s\n  %s\n", activity.Name, moment(activity.CreatedAt), activity.ARN)
	return nil
}

func (a *app) listActivities(ctx context.Context) error {
	t := newTable(a.out)
	shown, _, err := eachPage(0, func(size int, cursor string) (int, string, error) {
		list, err := a.client().Activities(ctx, size, cursor)
		if err != nil {
			return 0, "", err
		}
		for i, activity := range list.Activities {
			if a.json {
				if err := a.printJSON(activity); err != nil {
					return 0, "", err
				}
				continue
			}
			if cursor == "" && i == 0 {
				t.row("NAME", "CREATED", "ARN")
			}
			t.row(activity.Name, moment(activity.CreatedAt), activity.ARN)
		}
		return len(list.Activities), list.NextCursor, nil
	})
	if err != nil {
		return err
	}
	t.flush()
	if shown == 0 && !a.json {
		a.notef("No activities yet. Create one: tercel activity create NAME\n")
	}
	return nil
}

// pollFlags are the flags of poll.
type pollFlags struct {
	worker      string
	timeout     time.Duration
	command     string
	concurrency int
}

func (a *app) activityPollCommand() *cobra.Command {
	var f pollFlags
	cmd := &cobra.Command{
		Use:   "poll NAME",
		Short: "Take a task of an activity, or work on all of them with a command",
		Long: `Waits for a task of an activity and prints it as a line of JSON, with its token and its input; answer it with
` + "`tercel task success TOKEN`" + `. The exit code is 7 if none came in time.

With --exec, it is a worker: for each task it runs a command of the shell, with the input on its standard input; what the command
prints is the task's result, as JSON, or as a text if it is none. An exit code other than 0 fails the task with the error
Command.ExitCode, and what it wrote to its standard error as the cause. Heartbeats are sent meanwhile, and a command whose task is over
is killed. The environment has TERCEL_STATE, TERCEL_ATTEMPT, TERCEL_EXECUTION and TERCEL_IDEMPOTENCY_KEY. Ctrl-C lets what is
under way end.`,
		Example: `  tercel activity poll resize --timeout 10s
  tercel activity poll resize --exec 'jq "{width: .width / 2}"' --concurrency 4`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			if f.command != "" {
				return a.workByCommand(cmd.Context(), words[0], f)
			}
			return a.pollOnce(cmd.Context(), words[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.worker, "worker", "", "name of the worker, for the history")
	flags.DurationVar(&f.timeout, "timeout", 0, "give up when no task has come for so long; 0 waits for ever (without --exec)")
	flags.StringVar(&f.command, "exec", "", "command of the shell to run for each task")
	flags.IntVar(&f.concurrency, "concurrency", 1, "tasks at a time, with --exec")
	return cmd
}

// pollSlice is how long one request waits; proxies cut longer ones.
const pollSlice = 50 * time.Second

func (a *app) pollOnce(ctx context.Context, name string, f pollFlags) error {
	until := time.Now().Add(f.timeout)
	for {
		slice := pollSlice
		if f.timeout > 0 {
			if slice = min(slice, time.Until(until)); slice <= 0 {
				return &exitError{exitTimeout, fmt.Errorf("no task of activity %s came within %s", name, f.timeout)}
			}
		}
		task, err := a.client().PollActivity(ctx, name, f.worker, slice)
		if err != nil {
			return err
		}
		if task != nil {
			return a.printJSON(task)
		}
	}
}

// workByCommand is a worker whose tasks a command does.
func (a *app) workByCommand(ctx context.Context, name string, f pollFlags) error {
	if f.concurrency < 1 {
		return usagef("--concurrency is %d, but must be positive", f.concurrency)
	}
	c := a.client()
	if _, err := c.Activity(ctx, name); err != nil {
		return err
	}
	log, err := newLogger(a.err, "warn", "text")
	if err != nil {
		return err
	}
	w := worker.New(worker.Config{
		Server: c.Server, Key: c.Key, Namespace: c.Namespace, Name: f.worker, Concurrency: f.concurrency, Logger: log, HTTP: c.HTTP,
	})
	worker.Handle(w, name, func(ctx context.Context, in json.RawMessage) (json.RawMessage, error) {
		return runCommand(ctx, f.command, in)
	})
	a.notef("Working on tasks of activity %s. Ctrl-C stops it.\n", name)
	return w.Run(ctx)
}

// maxStderr is how much of what a command complains of becomes the cause of a failure.
const maxStderr = 32_000

func runCommand(ctx context.Context, command string, in []byte) (json.RawMessage, error) {
	task := worker.TaskOf(ctx)
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Stdin = bytes.NewReader(in)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "TERCEL_STATE="+task.State, fmt.Sprint("TERCEL_ATTEMPT=", task.Attempt),
		"TERCEL_EXECUTION="+task.ExecutionARN, "TERCEL_IDEMPOTENCY_KEY="+task.IdempotencyKey)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.As(err, &exit):
		text := errs.Bytes()
		return nil, &worker.Error{
			Name:  "Command.ExitCode",
			Cause: fmt.Sprintf("exit code %d: %s", exit.ExitCode(), bytes.TrimSpace(text[max(0, len(text)-maxStderr):])),
		}
	case err != nil:
		return nil, &worker.Error{Name: "Command.NotStarted", Cause: err.Error()}
	}
	result := bytes.TrimSpace(out.Bytes())
	if len(result) == 0 {
		return json.RawMessage("null"), nil
	}
	if json.Valid(result) {
		return result, nil
	}
	text, err := json.Marshal(string(result))
	if err != nil {
		return nil, fmt.Errorf("quoting what the command printed: %w", err)
	}
	return text, nil
}
