package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/web/api/wire"
	"github.com/tercel-workflows/tercel/web/client"
)

// auditFlags are the flags of audit list.
type auditFlags struct {
	since, until, actor, action, databaseURL string
	limit                                    int
}

func (a *app) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who changed what",
		Long: `Shows the audit: each call that changed something, and each that was refused for want of a right, with who made it, when, from where,
and what came of it. It needs a key with the scope admin.`,
		Args: a.knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.auditListCommand())
	return cmd
}

func (a *app) auditListCommand() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List calls, newest first",
		Long:    `Lists calls, newest first. With --json, prints one JSON object a line. The last 100 ms may be missing.`,
		Example: `  tercel audit list --since 24h
  tercel audit list --actor ci --action DeployStateMachine --limit 0 --json`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listAudit(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.since, "since", "", "made since: a time ago such as 90m or 7d, or a time such as 2026-01-31T12:00:00Z")
	flags.StringVar(&f.until, "until", "", "made before, written as --since")
	flags.StringVar(&f.actor, "actor", "", "made with this key, by name or id; or loopback, anonymous, database")
	flags.StringVar(&f.action, "action", "", "of this kind only, such as StartExecution")
	flags.IntVar(&f.limit, "limit", 50, "at most this many; 0 for all")
	flags.StringVar(&f.databaseURL, "database-url", "", "read this Postgres, not through a server")
	return cmd
}

func (a *app) listAudit(ctx context.Context, f auditFlags) error {
	filter := client.AuditFilter{Actor: f.actor, Action: f.action}
	var err error
	if filter.Since, err = when("--since", f.since, time.Now()); err != nil {
		return err
	}
	if filter.Until, err = when("--until", f.until, time.Now()); err != nil {
		return err
	}
	if f.limit < 0 {
		return usagef("--limit must not be negative; 0 lists all")
	}
	c, done, err := a.keyClient(ctx, f.databaseURL, false)
	if err != nil {
		return err
	}
	defer done()
	t := newTable(a.out)
	if !a.json {
		t.row("TIME", "ACTOR", "ACTION", "NAMESPACE", "RESOURCE", "FROM", "OUTCOME")
	}
	shown, more, err := eachPage(f.limit, func(size int, cursor string) (int, string, error) {
		page, err := c.Audit(ctx, filter, size, cursor)
		if err != nil {
			return 0, "", err
		}
		for _, e := range page.Entries {
			if err := a.auditRow(t, e); err != nil {
				return 0, "", err
			}
		}
		return len(page.Entries), page.NextCursor, nil
	})
	switch {
	case err != nil:
		return err
	case a.json:
	case shown == 0:
		a.notef("No calls.\n")
	default:
		t.flush()
	}
	if more && !a.json {
		a.notef("There are more: see them with --limit 0, or narrow the list with --since, --actor and --action.\n")
	}
	return nil
}

func (a *app) auditRow(t *table, e wire.AuditEntry) error {
	if a.json {
		return a.printJSON(e)
	}
	color := green
	if e.Outcome != access.OutcomeOK {
		color = red
	}
	t.row(moment(e.At), e.Actor, e.Action, orDash(e.Namespace), orDash(e.Resource), orDash(e.Address), a.paint(color, e.Outcome))
	return nil
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
