package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestDocumentation checks that docs/CLI.md has every command, every exit code and every flag of the servers.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/CLI.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, code := range []int{
		exitOK, exitFailure, exitUsage, exitNotFound, exitInvalid, exitUnsuccessful, exitUnreachable, exitTimeout, exitDenied,
		exitInterrupted,
	} {
		if !strings.Contains(page, fmt.Sprintf("\n| %d | ", code)) || !strings.Contains(exitHelp, fmt.Sprintf("\n  %d  ", code)) {
			t.Errorf("the exit code %d is not documented", code)
		}
	}
	root := (&app{environment: environment{getenv: func(string) string { return "" }}}).root()
	for _, cmd := range root.Commands() {
		if !strings.Contains(page, "`tercel "+cmd.Name()) {
			t.Errorf("the command %s is not documented", cmd.Name())
		}
		if cmd.Name() == "serve" || cmd.Name() == "dev" {
			checkFlags(t, page, cmd)
		}
	}
}

func checkFlags(t *testing.T, page string, cmd *cobra.Command) {
	t.Helper()
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !strings.Contains(page, "`--"+f.Name) {
			t.Errorf("the flag --%s of %s is not documented", f.Name, cmd.Name())
		}
	})
}
