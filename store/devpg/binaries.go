//go:build unix

package devpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// binaries are the programs of one installed Postgres.
type binaries struct {
	dir     string
	version string // "16.4"
	major   int
}

func (b *binaries) path(program string) string { return filepath.Join(b.dir, program) }

// places are the folders in which packages put the programs, beyond what pg_config says.
var places = []string{
	"/usr/lib/postgresql/*/bin",                                        // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                                 // Red Hat, from postgresql.org
	"/usr/libexec/postgresql*",                                         // Alpine
	"/opt/homebrew/opt/postgresql@*/bin",                               // Homebrew on Apple silicon
	"/usr/local/opt/postgresql@*/bin",                                  // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",                  // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin",               // Postgres.app
	"/Library/PostgreSQL/*/bin",                                        // the installer for macOS
	"/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin", "/opt/*/bin", // built from source; others
}

// findBinaries finds the programs for a cluster: of its major version, or if there is no cluster yet (0), the newest
// that there are. PG_BIN goes before all else, a download comes after all else.
func findBinaries(ctx context.Context, config Config, dataMajor int, account *account) (*binaries, error) {
	if dir := os.Getenv("PG_BIN"); dir != "" {
		b, err := inspect(ctx, dir)
		if err != nil {
			return nil, fmt.Errorf("%w: PG_BIN is %q: %w", ErrNoPostgres, dir, err)
		}
		if dataMajor != 0 && b.major != dataMajor {
			return nil, wrongVersion(dataMajor, []*binaries{b})
		}
		return b, nil
	}
	var found []*binaries
	for _, dir := range candidates(ctx) {
		b, err := inspect(ctx, dir)
		if err == nil {
			found = append(found, b)
		}
	}
	if best := choose(found, dataMajor); best != nil {
		return best, nil
	}
	if dataMajor != 0 && dataMajor != downloadMajor {
		return nil, wrongVersion(dataMajor, found)
	}
	b, err := downloaded(ctx, config, account)
	if err != nil {
		return nil, fmt.Errorf("%w: found no Postgres %d to %d on this machine, and %w. Any one of these helps:\n%s",
			ErrNoPostgres, OldestMajor, NewestMajor, err, fixes)
	}
	return b, nil
}

const fixes = `  - install it: apt-get install postgresql, dnf install postgresql-server, brew install postgresql@17
  - set PG_BIN to the folder that has the programs postgres and initdb
  - name a database that runs already, with --database-url
  - allow a download: unset TERCEL_PG_DOWNLOAD, or set TERCEL_PG_DOWNLOAD_URL to a Maven repository that can be reached`

func wrongVersion(dataMajor int, found []*binaries) error {
	var versions []string
	for _, b := range found {
		versions = append(versions, b.version)
	}
	have := "none"
	if len(versions) > 0 {
		have = strings.Join(versions, ", ")
	}
	return fmt.Errorf("%w: it was made by Postgres %d, and this machine has %s. Install Postgres %d or set PG_BIN to it, "+
		"upgrade the folder with pg_upgrade, or choose another data folder", ErrWrongVersion, dataMajor, have, dataMajor)
}

// choose gives the programs of the wanted major version, or the newest if any will do, or nil.
func choose(found []*binaries, major int) *binaries {
	var best *binaries
	for _, b := range found {
		if major != 0 && b.major != major {
			continue
		}
		if best == nil || b.major > best.major {
			best = b
		}
	}
	return best
}

// candidates gives the folders to look in. The one of pg_config comes first, and wins among equals.
func candidates(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, place := range places {
		matches, err := filepath.Glob(place)
		if err != nil {
			continue
		}
		dirs = append(dirs, matches...)
	}
	return dirs
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[.\w]*)`)

// inspect looks at the programs in a folder.
func inspect(ctx context.Context, dir string) (*binaries, error) {
	b := &binaries{dir: dir}
	for _, program := range []string{"postgres", "initdb"} {
		info, err := os.Stat(b.path(program))
		if err != nil {
			return nil, err
		}
		if info.IsDir() || info.Mode()&0o111 == 0 {
			return nil, fmt.Errorf("%s is not a program", b.path(program))
		}
	}
	cmd := exec.CommandContext(ctx, b.path("postgres"), "--version")
	cmd.Env = serverEnv()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("asking %s for its version: %w", cmd.Path, err)
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return nil, fmt.Errorf("%s says that it is %q, which is not PostgreSQL", cmd.Path, strings.TrimSpace(string(out)))
	}
	b.version = string(match[1])
	if b.major, err = strconv.Atoi(string(match[2])); err != nil {
		return nil, err
	}
	if b.major < OldestMajor || b.major > NewestMajor {
		return nil, fmt.Errorf("it is version %s, and Tercel runs on %d to %d", b.version, OldestMajor, NewestMajor)
	}
	return b, nil
}

var errDownloadOff = errors.New("downloading is forbidden (TERCEL_PG_DOWNLOAD=off)")
