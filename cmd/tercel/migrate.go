package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/migrations"
)

func (a *app) migrateCommand() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Create, change and remove the tables in Postgres",
		Long: `Creates and changes the tables that Tercel keeps in Postgres. "serve" does it by itself, unless --no-migrate forbids it;
several nodes may do it at once.`,
		Args: a.knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&url, "database-url", a.env("TERCEL_DATABASE_URL", ""), "Postgres (env TERCEL_DATABASE_URL)")
	up := &cobra.Command{
		Use: "up [VERSION]", Short: "Bring the tables to the newest version, or to VERSION", Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error { return a.migrateUp(cmd.Context(), url, words) },
	}
	var yes bool
	down := &cobra.Command{
		Use: "down [VERSION]", Short: "Undo the changes behind VERSION; without it, remove everything",
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error { return a.migrateDown(cmd.Context(), url, words, yes) },
	}
	down.Flags().BoolVar(&yes, "yes", false, "do it: executions and their histories are lost")
	version := &cobra.Command{
		Use: "version", Short: "Print the version of the tables", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.migrateVersion(cmd.Context(), url) },
	}
	cmd.AddCommand(up, down, version)
	return cmd
}

func (a *app) migrateUp(ctx context.Context, url string, words []string) error {
	at, to, err := a.migrationTarget(ctx, url, words)
	if err != nil {
		return err
	}
	switch {
	case len(words) == 0:
		err = migrations.Up(ctx, url)
	case to < at:
		return usagef("the tables are at version %d already; to go back: tercel migrate down %d", at, to)
	default:
		err = migrations.To(ctx, url, to)
	}
	if err != nil {
		return err
	}
	return a.migrateVersion(ctx, url)
}

func (a *app) migrateDown(ctx context.Context, url string, words []string, yes bool) error {
	at, to, err := a.migrationTarget(ctx, url, words)
	switch {
	case err != nil:
		return err
	case to > at:
		return usagef("the tables are at version %d; to go forward: tercel migrate up %d", at, to)
	case !yes && at > 0:
		return usagef("this removes tables of version %d with the executions in them. If that is meant: tercel migrate down%s --yes",
			at, map[bool]string{true: " " + strconv.FormatUint(uint64(to), 10)}[len(words) > 0])
	}
	if err := migrations.To(ctx, url, to); err != nil {
		return err
	}
	return a.migrateVersion(ctx, url)
}

// migrationTarget gives the version that the tables have, and the one that was named (0 if none was).
func (a *app) migrationTarget(ctx context.Context, url string, words []string) (at, to uint, err error) {
	if len(words) == 1 {
		newest, err := migrations.Newest()
		if err != nil {
			return 0, 0, err
		}
		n, err := strconv.ParseUint(words[0], 10, 32)
		if err != nil || uint(n) > newest {
			return 0, 0, usagef("the version is %q, but must be a number from 0 to %d", words[0], newest)
		}
		to = uint(n)
	}
	at, err = schemaVersion(ctx, url)
	return at, to, err
}

func schemaVersion(ctx context.Context, url string) (uint, error) {
	if url == "" {
		return 0, usagef("which database? --database-url postgres://user:password@host:5432/name, or TERCEL_DATABASE_URL")
	}
	at, err := migrations.Version(ctx, url)
	if err != nil && isConnectError(err) {
		return 0, &exitError{exitUnreachable, err}
	}
	return at, err
}

func (a *app) migrateVersion(ctx context.Context, url string) error {
	at, err := schemaVersion(ctx, url)
	if err != nil {
		return err
	}
	newest, err := migrations.Newest()
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]uint{"version": at, "newest": newest})
	}
	note := fmt.Sprintf(" (this binary knows %d)", newest)
	switch {
	case at == newest:
		note = ", the newest"
	case at == 0:
		note = ": there are no tables" + note
	}
	a.printf("version %d%s\n", at, note)
	return nil
}
