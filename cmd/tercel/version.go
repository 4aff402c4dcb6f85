package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/tercel-workflows/tercel/web/api/wire"
)

// release is the version; the build sets it with -ldflags "-X main.release=v1.2.3".
var release string

// version tells what this binary is.
func version() wire.Version {
	v := wire.Version{Version: release, GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if v.Version == "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Commit = s.Value
		}
	}
	if v.Version == "" {
		v.Version = "dev"
	}
	return v
}

func (a *app) versionCommand() *cobra.Command {
	var server bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary, or of the server",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := version()
			if server {
				var err error
				if v, err = a.client().Version(cmd.Context()); err != nil {
					return err
				}
			}
			if a.json {
				return a.printJSON(v)
			}
			a.printf("tercel %s (%s", v.Version, v.GoVersion)
			if v.Commit != "" {
				a.printf(", commit %.12s", v.Commit)
			}
			a.printf(")\n")
			return nil
		},
	}
	cmd.Flags().BoolVar(&server, "of-server", false, "of the server, not of this binary")
	return cmd
}
