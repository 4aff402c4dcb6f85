package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/client"
)

// defaultServer is where `tercel dev` and `tercel serve` listen unless told otherwise.
const defaultServer = "http://127.0.0.1:8083"

// secondSignal is how long after the first a signal means that a person has lost patience.
const secondSignal = 300 * time.Millisecond

// environment is what the command has from the system it runs on.
type environment struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	color    bool // out is a terminal that shows colours
}

// system gives the environment of this process.
func system() environment {
	return environment{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv,
		color: isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// app is one run of the command: its environment and the global flags.
type app struct {
	environment
	server    string
	namespace string
	key       string // access key; with a leading @, the file that it is in
	json      bool
}

// run runs the command line and gives the exit code.
func run(ctx context.Context, args []string, env environment) int {
	a := &app{environment: env}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(env.in)
	root.SetOut(env.out)
	root.SetErr(env.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	return a.report(cmd, err)
}

// root makes the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tercel",
		Short: "Run workflows written in the Amazon States Language, on Postgres",
		Long: `Tercel runs state machines written in the Amazon States Language (ASL): it keeps each execution in Postgres,
invokes functions step by step with retries and catches, and goes on after a crash where it was.

Start here:
  tercel dev                          a server on this machine, with a Postgres of its own
  tercel deploy order.asl.yaml        a state machine named "order"
  tercel start order --input '{"id": 1}' --watch

` + exitHelp,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              a.knownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.readKey() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError(err) })
	root.CompletionOptions.HiddenDefaultCmd = false
	flags := root.PersistentFlags()
	flags.StringVar(&a.server, "server", a.env("TERCEL_SERVER", defaultServer), "URL of the server (env TERCEL_SERVER)")
	flags.StringVarP(&a.namespace, "namespace", "n", a.env("TERCEL_NAMESPACE", ""), "namespace to work in (env TERCEL_NAMESPACE)")
	flags.StringVar(&a.key, "key", "", "access key, or @FILE with it in a file (env TERCEL_KEY)") // no default: help would show it
	flags.BoolVar(&a.json, "json", false, "print JSON")

	root.AddGroup(
		&cobra.Group{ID: "server", Title: "Servers:"},
		&cobra.Group{ID: "define", Title: "State machines and functions:"},
		&cobra.Group{ID: "execute", Title: "Executions:"},
	)
	root.SetHelpCommandGroupID("")
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("server", a.devCommand(), a.serveCommand(), a.keysCommand(), a.auditCommand(), a.healthCommand(), a.migrateCommand(), a.benchCommand())
	add("define", a.validateCommand(), a.testCommand(), a.testStateCommand(), a.backtestCommand(), a.deployCommand(), a.machinesCommand(),
		a.functionsCommand(), a.fmtCommand(), a.convertCommand(), a.schemaCommand())
	add("execute", a.startCommand(), a.runCommand(), a.listCommand(), a.describeCommand(), a.historyCommand(), a.watchCommand(),
		a.stopCommand(), a.redriveCommand(), a.taskCommand(), a.activityCommand(), a.approvalsCommand())
	add("", a.versionCommand())
	return root
}

// knownCommand refuses a word that is no command, with the one that was meant.
func (a *app) knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	message := fmt.Sprintf("there is no command %q", args[0])
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		message += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef("%s\nRun `%s --help` for the commands there are.", message, cmd.CommandPath())
}

// env gives an environment variable, or another value if it is not set.
func (a *app) env(name, otherwise string) string {
	if text := a.getenv(name); text != "" {
		return text
	}
	return otherwise
}

// readKey gets the access key from where it is: the flag, the environment, or a file that one of them names.
func (a *app) readKey() error {
	if a.key == "" {
		a.key = a.getenv("TERCEL_KEY")
	}
	path, isFile := strings.CutPrefix(a.key, "@")
	if isFile {
		text, err := os.ReadFile(path)
		if err != nil {
			return &exitError{exitNotFound, fmt.Errorf("reading the access key: %w", err)}
		}
		a.key = string(text)
	}
	a.key = strings.TrimSpace(a.key)
	return nil
}

// client gives the way to the server.
func (a *app) client() *client.Client {
	server := a.server
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	return &client.Client{Server: server, Namespace: a.namespace, Key: a.key, UserAgent: "tercel/" + version().Version}
}

// printf writes to the standard output. What cannot be written there cannot be told there either.
func (a *app) printf(format string, args ...any) { _, _ = fmt.Fprintf(a.out, format, args...) }

// notef writes to the standard error: progress and notes, which are no result.
func (a *app) notef(format string, args ...any) { _, _ = fmt.Fprintf(a.err, format, args...) }

// interruptible gives a context that ends with the first SIGINT or SIGTERM. The second ends the process.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		first := time.Now()
		cancel(errInterrupted)
		for range signals {
			// What stands between the keyboard and this process (timeout, make) may pass one signal on as two.
			if time.Since(first) > secondSignal {
				break
			}
		}
		fmt.Fprintln(os.Stderr, "tercel: stopped at once; executions in flight go on when a server runs again")
		os.Exit(exitInterrupted)
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
