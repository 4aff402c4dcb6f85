//go:build unix

package devpg

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// folder is where a cluster lives:
//
//	lock          held, with the pid of the holder in it, while a process runs the cluster
//	data/         the cluster as initdb made it
//	postgres.log  what the server says
//	password      of TCP connections, if there ever were any
//	run/          the socket, if the path is short enough for one
type folder struct {
	root, data, sockets, logFile string
	password                     string
	account                      *account
	lock                         *os.File
	temporary                    bool   // root is removed in the end
	socketsTemporary             string // removed in the end, if not ""
}

const (
	// temporaryPrefix begins the names of the folders of ephemeral clusters.
	temporaryPrefix = "tercel-ephemeral-"
	// maxSocketDir is how long the path of the socket's folder may be: the address of a Unix socket has room for 104
	// bytes on the systems where it has the least, and the name of the socket takes its part.
	maxSocketDir = 104 - len("/.s.PGSQL.65535.lock") - 1
)

// openFolder makes or opens the folder of a cluster and locks it.
func openFolder(config Config, account *account) (*folder, error) {
	f := &folder{account: account, root: config.DataDir}
	switch {
	case f.root == "" && !config.Ephemeral:
		return nil, errors.New("a private Postgres that is not ephemeral needs a data folder")
	case f.root == "":
		removeAbandoned()
		dir, err := account.temporary()
		if err != nil {
			return nil, fmt.Errorf("making a temporary folder: %w", err)
		}
		f.root, f.temporary = dir, true
	}
	root, err := filepath.Abs(f.root)
	if err != nil {
		return nil, fmt.Errorf("making %s absolute: %w", f.root, err)
	}
	f.root = account.reachable(root)
	if f.root != root {
		config.Log.Warn("the user that Postgres runs as cannot enter the data folder, using another",
			"user", account.name, "folder", root, "instead", f.root)
	}
	if err := f.open(); err != nil {
		f.release()
		return nil, err
	}
	return f, nil
}

func (f *folder) open() error {
	if err := os.MkdirAll(filepath.Dir(f.root), 0o755); err != nil { // the server's user has to pass
		return fmt.Errorf("making the data folder: %w", err)
	}
	if err := f.mkdir(f.root); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	f.data = filepath.Join(f.root, "data")
	f.logFile = filepath.Join(f.root, "postgres.log")
	if err := f.takeLock(); err != nil {
		return err
	}
	f.sockets = filepath.Join(f.root, "run")
	if len(f.sockets) > maxSocketDir {
		dir, err := os.MkdirTemp("/tmp", "tercel-")
		if err != nil {
			return fmt.Errorf("making a folder for the socket: %w", err)
		}
		f.sockets, f.socketsTemporary = dir, dir
	}
	if err := f.mkdir(f.sockets); err != nil {
		return fmt.Errorf("making the folder of the socket: %w", err)
	}
	return nil
}

// mkdir makes a folder that only the server's user can enter.
func (f *folder) mkdir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", path)
	}
	if err := f.account.own(path); err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() != 0 && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to the user with the id %d; choose another data folder", path, owner.Uid)
	}
	return os.Chmod(path, 0o700)
}

// takeLock keeps other processes out for as long as this one lives; the system drops the lock with the process.
func (f *folder) takeLock() error {
	path := filepath.Join(f.root, "lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the lock of the data folder: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			holder, _ := os.ReadFile(path)
			return fmt.Errorf("%w: process %s runs a cluster in %s; stop it, or choose another data folder",
				ErrInUse, bytes.TrimSpace(holder), f.root)
		}
		return fmt.Errorf("locking the data folder: %w", err)
	}
	f.lock = file
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("writing the lock of the data folder: %w", err)
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("writing the lock of the data folder: %w", err)
	}
	return nil
}

// release removes what is temporary and drops the lock.
func (f *folder) release() {
	if f.socketsTemporary != "" {
		_ = os.RemoveAll(f.socketsTemporary)
	}
	if f.temporary {
		_ = os.RemoveAll(f.root)
	}
	if f.lock != nil {
		_ = f.lock.Close()
	}
}

// removeAbandoned removes the folders of ephemeral clusters whose processes did not get to it.
func removeAbandoned() {
	found, err := filepath.Glob(filepath.Join(os.TempDir(), temporaryPrefix+"*"))
	if err != nil {
		return
	}
	for _, root := range found {
		f := &folder{root: root, temporary: true}
		// A folder without a lock is one that another process is just making, or that is not ours.
		if _, err := os.Stat(filepath.Join(root, "lock")); err != nil {
			continue
		}
		if f.takeLock() != nil {
			continue
		}
		if pid, ok := runningPostmaster(filepath.Join(root, "data")); ok {
			killOrphan(pid)
		}
		f.release()
	}
}

// dataMajor gives the major version of the cluster in the folder, 0 if there is none.
func (f *folder) dataMajor() (int, error) {
	text, err := os.ReadFile(filepath.Join(f.data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if entries, err := os.ReadDir(f.data); err == nil && len(entries) > 0 {
			return 0, fmt.Errorf("%s is not empty, but no Postgres cluster either: move it away", f.data)
		}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the version of the cluster: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s: PG_VERSION is %q, which is not a version: move the folder away", f.data, text)
	}
	return major, nil
}

// initialize makes a cluster. It is made beside its place and then moved there, so that what is there is complete.
func (f *folder) initialize(ctx context.Context, b *binaries, ephemeral bool) error {
	unfinished := f.data + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("removing an unfinished cluster: %w", err)
	}
	if err := f.mkdir(unfinished); err != nil {
		return fmt.Errorf("making the cluster: %w", err)
	}
	args := []string{
		"-D", unfinished, "-U", superuser, "--encoding=UTF8", "--locale=C",
		"--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions",
	}
	if ephemeral {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, b.path("initdb"), args...)
	cmd.Dir, cmd.Env = f.root, serverEnv()
	cmd.SysProcAttr = f.account.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(unfinished)
		return fmt.Errorf("making the cluster with %s: %w: %s", cmd.Path, err, bytes.TrimSpace(out))
	}
	_ = os.Remove(f.data) // an empty folder is in the way of the rename on some systems
	if err := os.Rename(unfinished, f.data); err != nil {
		return fmt.Errorf("moving the cluster into its place: %w", err)
	}
	return nil
}

// readPassword reads the password of TCP connections, made at first use.
func (f *folder) readPassword() error {
	path := filepath.Join(f.root, "password")
	text, err := os.ReadFile(path)
	if err == nil && len(bytes.TrimSpace(text)) >= 32 {
		f.password = string(bytes.TrimSpace(text))
		if _, err := hex.DecodeString(f.password); err == nil {
			return nil
		}
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return fmt.Errorf("making a password: %w", err)
	}
	f.password = hex.EncodeToString(random)
	if err := os.WriteFile(path, []byte(f.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("keeping the password: %w", err)
	}
	return nil
}

// shortHash names a folder after another.
func shortHash(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:6])
}

// serverEnv is the environment of the server's processes: nothing of the caller's but where programs are.
func serverEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}
