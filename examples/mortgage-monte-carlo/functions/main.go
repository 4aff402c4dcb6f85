// Command functions holds the functions of the mortgage example: `simulate` and `merge` read their arguments as JSON on
// standard input and write their result as JSON on standard output, as Tercel calls a function of kind command; `chart`
// draws the output of an execution for people.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/tercel-workflows/tercel/examples/mortgage-monte-carlo/simulation"
)

func main() {
	err := run(os.Args[1:], os.Stdin, os.Stdout)
	if err == nil {
		return
	}
	// A command that fails names its error on standard output, and the state machine sees it under that name.
	name := "Simulation.Failed"
	if _, bad := errors.AsType[*badInput](err); bad {
		name = "Simulation.BadInput"
	}
	answer := map[string]string{"errorType": name, "errorMessage": err.Error()}
	if unsaid := json.NewEncoder(os.Stdout).Encode(answer); unsaid != nil {
		fmt.Fprintln(os.Stderr, unsaid)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// badInput is an error that trying again does not mend.
type badInput struct{ err error }

func (e *badInput) Error() string { return e.err.Error() }
func (e *badInput) Unwrap() error { return e.err }

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return &badInput{errors.New("usage: functions simulate|merge|chart")}
	}
	switch args[0] {
	case "simulate":
		return simulate(in, out)
	case "merge":
		return merge(in, out)
	case "chart":
		return chart(args[1:], in, out)
	default:
		return &badInput{fmt.Errorf("there is no function %q; there are simulate, merge and chart", args[0])}
	}
}

// batch is the argument of simulate.
type batch struct {
	Seed  uint64           `json:"seed"`
	First uint64           `json:"first"` // the number of the batch's first mortgage
	Count int              `json:"count"`
	Model simulation.Model `json:"model"`
}

// simulate gives the summary of one batch.
func simulate(in io.Reader, out io.Writer) error {
	var b batch
	if err := decode(in, &b); err != nil {
		return err
	}
	if b.Count < 1 || b.Count > 1_000_000 {
		return &badInput{fmt.Errorf("count must be from 1 to 1000000, not %d", b.Count)}
	}
	if err := b.Model.Validate(); err != nil {
		return &badInput{fmt.Errorf("reading the model: %w", err)}
	}
	return json.NewEncoder(out).Encode(b.Model.Batch(b.Seed, b.First, b.Count))
}

// merge gives the report of all batches together.
func merge(in io.Reader, out io.Writer) error {
	var summaries []simulation.Summary
	if err := decode(in, &summaries); err != nil {
		return err
	}
	var total simulation.Summary
	for i := range summaries {
		if err := summaries[i].Validate(); err != nil {
			return &badInput{fmt.Errorf("reading batch %d: %w", i, err)}
		}
		total.Merge(summaries[i])
	}
	report, err := total.Report()
	if err != nil {
		return &badInput{err}
	}
	return json.NewEncoder(out).Encode(report)
}

// chart prints a report, and draws it into a file with -svg.
func chart(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("chart", flag.ContinueOnError)
	svg := flags.String("svg", "", "write the histogram as SVG to this `file`")
	width := flags.Int("width", 100, "of the terminal, in characters")
	if err := flags.Parse(args); err != nil {
		return &badInput{err}
	}
	var report simulation.Report
	if err := json.NewDecoder(in).Decode(&report); err != nil {
		return &badInput{fmt.Errorf("reading the output of an execution: %w", err)}
	}
	if *svg != "" {
		file, err := os.Create(*svg)
		if err != nil {
			return fmt.Errorf("making the picture: %w", err)
		}
		if err := errors.Join(report.WriteSVG(file), file.Close()); err != nil {
			return fmt.Errorf("writing the picture: %w", err)
		}
	}
	return report.WriteText(out, *width)
}

func decode(in io.Reader, into any) error {
	d := json.NewDecoder(in)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &badInput{fmt.Errorf("reading the arguments: %w", err)}
	}
	return nil
}
