package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/web/api/wire"
)

const keysHelp = `Makes, lists and revokes access keys. A server asks for keys as soon as one was made; without any it listens on this machine only.

Scopes, several of which a key may have:
  read     see definitions, functions, executions with their data, histories
  run      start, stop and redrive executions, answer task tokens, work as a worker
  decide   answer approvals
  deploy   change state machines and functions
  admin    everything, keys and the audit included

With a key of the scope admin this works through the server. The first key is made in the database itself, with --database-url;
so is another one if all are lost. TERCEL_DATABASE_URL counts as --database-url unless there is a key.`

func (a *app) keysCommand() *cobra.Command {
	var databaseURL string
	cmd := &cobra.Command{
		Use:     "keys",
		Aliases: []string{"key"},
		Short:   "Make, list and revoke access keys",
		Long:    keysHelp,
		Example: `  tercel keys create admin --scope admin --database-url postgres://...     # the first one
  tercel keys create billing --scope run --scope read --namespace shop --expires 720h
  tercel keys revoke TKIA7QHVB2WL5XNC3RDE`,
		Args: a.knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listKeys(cmd.Context(), databaseURL) },
	}
	cmd.PersistentFlags().StringVar(&databaseURL, "database-url", "", "work on this Postgres, not through a server")
	cmd.AddCommand(
		a.createKeyCommand(&databaseURL),
		&cobra.Command{
			Use: "list", Aliases: []string{"ls"}, Short: "List the access keys, newest first", Args: args(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.listKeys(cmd.Context(), databaseURL) },
		},
		&cobra.Command{
			Use: "revoke ID", Short: "Revoke an access key for good, within seconds on all nodes", Args: args(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, words []string) error {
				return a.revokeKey(cmd.Context(), databaseURL, words[0])
			},
		},
	)
	return cmd
}

// keyFlags are the flags of keys create.
type keyFlags struct {
	scopes, namespaces []string
	expires            time.Duration
	ifNone             bool
}

func (a *app) createKeyCommand(databaseURL *string) *cobra.Command {
	var f keyFlags
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an access key, and print it this once",
		Long: `Makes an access key and prints it on the standard output, and all about it beside. Tercel does not keep the key itself: what
is lost cannot be shown again. The id and the secret access key are for AWS's clients, which sign their requests with them.`,
		Example: `  tercel keys create ci --scope deploy --scope read
  export TERCEL_KEY=$(tercel keys create me --scope admin --database-url postgres://...)`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			return a.createKey(cmd.Context(), *databaseURL, words[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.scopes, "scope", nil, "read, run, decide, deploy or admin; several with commas or repeated (required)")
	flags.StringSliceVarP(&f.namespaces, "namespace", "n", nil, "good for this namespace only; several with commas or repeated")
	flags.DurationVar(&f.expires, "expires", 0, "how long it is good, such as 720h; without it, until it is revoked")
	flags.BoolVar(&f.ifNone, "if-none", false, "do nothing if there is a key already, whatever its name")
	return cmd
}

func (a *app) createKey(ctx context.Context, databaseURL, name string, f keyFlags) error {
	if f.expires < 0 {
		return usagef("--expires must be positive, such as 720h")
	}
	if _, err := access.ParseScopes(f.scopes); err != nil {
		return usagef("--scope: %w", err)
	}
	c, done, err := a.keyClient(ctx, databaseURL, true)
	if err != nil {
		return err
	}
	defer done()
	if f.ifNone {
		list, err := c.Keys(ctx)
		if err != nil {
			return err
		}
		if len(list.Keys) > 0 {
			a.notef("There is a key already; none was made.\n")
			return nil
		}
	}
	in := wire.NewKey{Name: name, Scopes: f.scopes, Namespaces: f.namespaces}
	if f.expires > 0 {
		in.Expires = f.expires.String()
	}
	made, err := c.CreateKey(ctx, in)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(made)
	}
	a.printf("%s\n", made.Secret)
	where, until := "everywhere", "until it is revoked"
	if len(made.Namespaces) > 0 {
		where = "in the namespace " + strings.Join(made.Namespaces, ", ")
	}
	if made.ExpiresAt != nil {
		until = "until " + moment(*made.ExpiresAt)
	}
	a.notef("\nMade the key %s: %s, %s, %s. It is shown this once; keep it safe.\n\n", made.Name, strings.Join(made.Scopes, ", "), where, until)
	a.notef("  For tercel and the API:     export TERCEL_KEY=%s\n", "the line above")
	a.notef("  For AWS's SDKs and its CLI: export AWS_ACCESS_KEY_ID=%s\n", made.ID)
	a.notef("                              export AWS_SECRET_ACCESS_KEY=%s\n", made.SecretAccessKey)
	a.notef("  To end it:                  tercel keys revoke %s\n", made.ID)
	return nil
}

func (a *app) listKeys(ctx context.Context, databaseURL string) error {
	c, done, err := a.keyClient(ctx, databaseURL, false)
	if err != nil {
		return err
	}
	defer done()
	list, err := c.Keys(ctx)
	if err != nil {
		return err
	}
	if len(list.Keys) == 0 && !a.json {
		a.notef("No keys yet. Make the first with: tercel keys create NAME --scope admin --database-url postgres://...\n")
		return nil
	}
	t := newTable(a.out)
	if !a.json {
		t.row("ID", "NAME", "SCOPES", "NAMESPACES", "MADE", "EXPIRES", "LAST USED", "STATE")
	}
	for _, k := range list.Keys {
		if a.json {
			if err := a.printJSON(k); err != nil {
				return err
			}
			continue
		}
		namespaces := "all"
		if len(k.Namespaces) > 0 {
			namespaces = strings.Join(k.Namespaces, ",")
		}
		color := green
		if k.State != "active" {
			color = red
		}
		t.row(k.ID, k.Name, strings.Join(k.Scopes, ","), namespaces, moment(k.CreatedAt), momentOr(k.ExpiresAt, "never"),
			momentOr(k.LastUsedAt, "never"), a.paint(color, k.State))
	}
	t.flush()
	return nil
}

// momentOr prints a time that may be missing.
func momentOr(t *time.Time, otherwise string) string {
	if t == nil {
		return otherwise
	}
	return moment(*t)
}

func (a *app) revokeKey(ctx context.Context, databaseURL, id string) error {
	c, done, err := a.keyClient(ctx, databaseURL, false)
	if err != nil {
		return err
	}
	defer done()
	k, err := c.RevokeKey(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(k)
	}
	a.printf("Revoked the key %s (%s). Every node refuses it within two seconds.\n", k.Name, k.ID)
	return nil
}
