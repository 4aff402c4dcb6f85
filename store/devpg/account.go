//go:build unix

package devpg

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that the server runs as.
type account struct {
	name     string
	uid, gid int
	switches bool // it is not the user of this process
}

// serverAccount is the user of this process, or an unprivileged one if that is root.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return &account{name: "the current user", uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil && uid > 0 {
			return &account{name: name, uid: uid, gid: gid, switches: true}, nil
		}
	}
	return nil, fmt.Errorf("%w: Postgres refuses to run as root, and there is neither a user postgres nor nobody to run "+
		"it as; run as another user, or name a database with --database-url", ErrNoPostgres)
}

// attributes start a process as the account, in a process group of its own: an interrupt from the terminal is for this
// process, which stops the server when it no longer needs it.
func (a *account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.switches {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// own gives a file to the account.
func (a *account) own(path string) error {
	if !a.switches {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// reachable gives a folder that the account can reach: the given one, or one below rootDataDir that is named after it.
func (a *account) reachable(path string) string {
	if !a.switches {
		return path
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && !a.mayPass(info) {
			return filepath.Join(rootDataDir, filepath.Base(path)+"-"+shortHash(path))
		}
		if dir == filepath.Dir(dir) {
			return path
		}
	}
}

// mayPass tells whether the account may pass through a folder.
func (a *account) mayPass(info os.FileInfo) bool {
	const others, group, owner = 0o001, 0o010, 0o100
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case ok && int(stat.Uid) == a.uid:
		return info.Mode()&owner != 0
	case ok && int(stat.Gid) == a.gid:
		return info.Mode()&group != 0
	default:
		return info.Mode()&others != 0
	}
}

// temporary makes a folder for an ephemeral cluster that the account can reach.
func (a *account) temporary() (string, error) {
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		dir, err := os.MkdirTemp(parent, temporaryPrefix)
		if err != nil {
			return "", err
		}
		if a.reachable(dir) == dir {
			return dir, nil
		}
		_ = os.Remove(dir)
	}
	return "", fmt.Errorf("neither %s nor /tmp can be entered by the user %s", os.TempDir(), a.name)
}
