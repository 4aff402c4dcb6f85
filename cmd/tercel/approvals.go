package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

func (a *app) approvalsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "approvals",
		Aliases: []string{"approval"},
		Short:   "Show and decide what waits for people",
		Long: `Shows and decides approvals: the tasks of executions that wait for people. Who decides is the key by its name, or
--as: on a server that asks for no keys, and with a key that has the scope admin.`,
		Args: a.knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.approvalsListCommand(), a.approvalsShowCommand(), a.decideCommand("approve"), a.decideCommand("reject"),
		a.delegateCommand(), a.approvalLinkCommand())
	return cmd
}

// approvalListFlags are the flags of approvals list.
type approvalListFlags struct {
	client.ApprovalFilter
	all   bool
	limit int
}

func (a *app) approvalsListCommand() *cobra.Command {
	var f approvalListFlags
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List approvals, newest first",
		Long:    "Lists the approvals that are open, newest first. With --json, prints one JSON object a line.",
		Example: `  tercel approvals list --approver ada@example.com
  tercel approvals list --status approved,rejected --execution expense/2026-0001`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listApprovals(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Approver, "approver", "", "that wait for this approver")
	flags.StringVar(&f.Execution, "execution", "", "of this execution")
	flags.StringSliceVar(&f.Status, "status", nil, "open (the default), approved, rejected, timed_out, cancelled; several with commas")
	flags.BoolVar(&f.all, "all", false, "whatever their status")
	flags.IntVar(&f.limit, "limit", 50, "at most this many; 0 for all")
	return cmd
}

func (a *app) listApprovals(ctx context.Context, f approvalListFlags) error {
	switch {
	case f.limit < 0:
		return usagef("--limit must not be negative; 0 lists all")
	case f.all && len(f.Status) > 0:
		return usagef("--all and --status exclude each other")
	case !f.all && len(f.Status) == 0:
		f.Status = []string{"open"}
	}
	t := newTable(a.out)
	if !a.json {
		t = newTable(a.out, "ID", "TITLE", "ASKED", "DEADLINE", "WAITS FOR", "STATUS")
	}
	c := a.client()
	shown, more, err := eachPage(f.limit, func(size int, cursor string) (int, string, error) {
		page, err := c.Approvals(ctx, f.ApprovalFilter, size, cursor)
		if err != nil {
			return 0, "", err
		}
		for _, x := range page.Approvals {
			if a.json {
				if err := a.printJSON(x); err != nil {
					return 0, "", err
				}
				continue
			}
			a.approvalRow(t, x)
		}
		return len(page.Approvals), page.NextCursor, nil
	})
	switch {
	case err != nil || a.json:
		return err
	case shown == 0:
		a.notef("No approvals.\n")
		return nil
	}
	t.flush()
	if more {
		a.notef("There are more: see them with --limit 0.\n")
	}
	return nil
}

func (a *app) approvalRow(t *table, x wire.Approval) {
	const width = 40
	deadline, waits := "-", "-"
	if x.Deadline != nil {
		deadline = moment(*x.Deadline)
	}
	if x.Status == "OPEN" {
		waits = shorten(strings.Join(x.Waiting, ", "), width)
	}
	t.row(x.ID, shorten(x.Title, width), moment(x.AskedAt), deadline, waits, a.paint(statusColor(approvalColor(x.Status)), x.Status))
}

// approvalColor gives the status of an execution that is shown in the same colour.
func approvalColor(status string) string {
	switch status {
	case "APPROVED":
		return "SUCCEEDED"
	case "REJECTED":
		return "FAILED"
	case "OPEN":
		return "RUNNING"
	default:
		return "ABORTED"
	}
}

func (a *app) approvalsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show APPROVAL",
		Aliases: []string{"describe"},
		Short:   "Show one approval: what is to be decided, and who has decided what",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			x, err := a.client().Approval(cmd.Context(), words[0])
			if err != nil {
				return err
			}
			return a.showApproval(x)
		},
	}
}

func (a *app) showApproval(x wire.Approval) error {
	if a.json {
		return a.printJSON(x)
	}
	line := func(name, text string) {
		if text != "" {
			a.printf("%-14s %s\n", name+":", strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 15)))
		}
	}
	line("approval", x.ID)
	line("status", a.paint(statusColor(approvalColor(x.Status)), x.Status))
	line("title", x.Title)
	line("description", x.Description)
	line("requested by", x.RequestedBy)
	line("execution", x.StateMachine+"/"+x.ExecutionName+", state "+x.State)
	line("asked", moment(x.AskedAt))
	if x.Deadline != nil {
		line("deadline", moment(*x.Deadline))
	}
	if x.ClosedAt != nil {
		line("closed", moment(*x.ClosedAt))
	}
	line("approvers", strings.Join(x.Approvers, ", "))
	if x.Status == "OPEN" {
		line("waits for", strings.Join(x.Waiting, ", "))
	}
	if len(x.Approvers) > 1 {
		reject := "reject"
		if x.Rejections == 1 {
			reject = "rejects"
		}
		line("rule", fmt.Sprintf("%d must approve; %d %s", x.Quorum, x.Rejections, reject))
	}
	for _, d := range x.Decisions {
		text := d.By + " " + d.Decision + ", " + moment(d.At)
		if d.Actor != "" {
			text += ", brought by " + d.Actor
		}
		if d.Comment != "" {
			text += ": " + d.Comment
		}
		if d.Form != nil {
			text += "\n" + string(d.Form)
		}
		line("decision", text)
	}
	for _, d := range x.Delegations {
		line("handed on", strings.TrimSuffix(d.From+" to "+d.To+", "+moment(d.At)+": "+d.Comment, ": "))
	}
	if x.Data != nil {
		line("data", pretty(x.Data, ""))
	}
	if x.Form != nil && x.Status == "OPEN" {
		line("form", pretty(x.Form, ""))
	}
	return nil
}

func (a *app) decideCommand(what string) *cobra.Command {
	in := wire.Decide{Decision: what}
	var form string
	var fields []string
	cmd := &cobra.Command{
		Use:     what + " APPROVAL",
		Short:   map[string]string{"approve": "Approve, as one of the approvers", "reject": "Reject, as one of the approvers"}[what],
		Example: `  tercel approvals approve 0199e2c4-6f7e-7c55-a39e-0b7d8a3c8f11-2 --as ada@example.com --field costCenter=4711`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			var err error
			if in.Form, err = a.readForm(cmd.Context(), words[0], form, fields); err != nil {
				return err
			}
			x, err := a.client().Decide(cmd.Context(), words[0], in)
			if err != nil {
				return err
			}
			return a.showApproval(x)
		},
	}
	if what == "reject" {
		cmd.Example = `  tercel approvals reject 0199e2c4-6f7e-7c55-a39e-0b7d8a3c8f11-2 --as ada@example.com --comment "no receipt"`
	}
	flags := cmd.Flags()
	flags.StringVar(&in.As, "as", "", "the approver who decides; without it, the name of the key")
	flags.StringVarP(&in.Comment, "comment", "c", "", "why")
	flags.StringVar(&form, "form", "", "what is filled in: a JSON object, @FILE, or - for the standard input")
	flags.StringArrayVar(&fields, "field", nil, "one field of the form, as NAME=VALUE; VALUE is a text where the form has one, and else JSON")
	return cmd
}

// readForm gives what --form and --field fill in, nil if that is nothing.
func (a *app) readForm(ctx context.Context, approval, form string, fields []string) (json.RawMessage, error) {
	text, err := a.readInput(form)
	if err != nil || len(fields) == 0 {
		return text, err
	}
	filled := map[string]json.RawMessage{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &filled); err != nil {
			return nil, usagef("--form must be a JSON object: %v", err)
		}
	}
	for _, f := range fields {
		if name, _, ok := strings.Cut(f, "="); !ok || name == "" {
			return nil, usagef("--field is %q, but must be NAME=VALUE", f)
		}
	}
	x, err := a.client().Approval(ctx, approval)
	if err != nil {
		return nil, err
	}
	texts := textFields(x.Form)
	for _, f := range fields {
		name, typed, _ := strings.Cut(f, "=")
		if filled[name] = json.RawMessage(typed); texts[name] || !json.Valid(filled[name]) {
			if filled[name], err = json.Marshal(typed); err != nil {
				return nil, usagef("--field %s: %v", name, err)
			}
		}
	}
	return json.Marshal(filled)
}

// textFields gives the fields of a form that are texts: what is typed for them is one, whatever it looks like.
func textFields(form json.RawMessage) map[string]bool {
	var schema struct {
		Properties map[string]struct {
			Type any `json:"type"`
		} `json:"properties"`
	}
	texts := map[string]bool{}
	if json.Unmarshal(form, &schema) != nil { // there is none, or none that is so simple: values are as they look
		return texts
	}
	for name, property := range schema.Properties {
		texts[name] = property.Type == "string"
	}
	return texts
}

func (a *app) delegateCommand() *cobra.Command {
	var in wire.Delegate
	cmd := &cobra.Command{
		Use:     "delegate APPROVAL TO",
		Short:   "Hand the decision on to somebody else, who is told of it",
		Example: `  tercel approvals delegate 0199e2c4-6f7e-7c55-a39e-0b7d8a3c8f11-2 bob@example.com --as ada@example.com --comment "I am away"`,
		Args:    args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, words []string) error {
			in.To = words[1]
			x, err := a.client().Delegate(cmd.Context(), words[0], in)
			if err != nil {
				return err
			}
			return a.showApproval(x)
		},
	}
	cmd.Flags().StringVar(&in.As, "as", "", "the approver who hands it on; without it, the name of the key")
	cmd.Flags().StringVarP(&in.Comment, "comment", "c", "", "why")
	return cmd
}

func (a *app) approvalLinkCommand() *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "link APPROVAL --as APPROVER",
		Short: "Make the link by which an approver decides in a browser",
		Long: `Makes the link of an approver. Whoever has it decides in their name until it expires, so it needs a key with the scope
admin, and belongs to nobody else.`,
		Example: "  tercel approvals link 0199e2c4-6f7e-7c55-a39e-0b7d8a3c8f11-2 --as ada@example.com",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			if as == "" {
				return usagef("say whose link it is, with --as")
			}
			link, err := a.client().ApprovalLink(cmd.Context(), words[0], as)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(wire.Link{URL: link})
			}
			a.printf("%s\n", link)
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "the approver")
	return cmd
}
