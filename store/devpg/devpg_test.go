//go:build unix

package devpg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The test binary is started again as a process that runs a cluster, to be killed, or as another user.
const (
	envHelper    = "TERCEL_DEVPG_HELPER"
	envHelperDir = "TERCEL_DEVPG_HELPER_DIR"
)

func TestMain(m *testing.M) {
	switch os.Getenv(envHelper) {
	case "":
		os.Exit(m.Run())
	case "cluster": // runs a cluster until it is told to stop, or killed
		cluster, err := Start(context.Background(), Config{DataDir: os.Getenv(envHelperDir), Ephemeral: true})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(cluster.URL())
		_, _ = io.Copy(io.Discard, os.Stdin)
		if err := cluster.Stop(); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	case "watchdog": // has a watchdog watch over a process
		sleep := exec.Command("sleep", "1000")
		sleep.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := sleep.Start(); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		unwatch, err := startWatchdog(sleep.Process.Pid)
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(sleep.Process.Pid)
		_, _ = io.Copy(io.Discard, os.Stdin)
		unwatch()
		fmt.Println("unwatched")
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// helper starts the test binary again and gives its first line of output.
func helper(t *testing.T, mode, dir string, change func(*exec.Cmd)) (*exec.Cmd, io.Closer, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envHelper+"="+mode, envHelperDir+"="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if change != nil {
		change(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error:") {
		t.Fatalf("the helper says %q, %v", line, err)
	}
	return cmd, stdin, strings.TrimSpace(line)
}

// tempDir makes a folder that the server's user can enter, also if this process is root.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tercel-test-") //nolint:usetesting // the testing package makes folders for root alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// mustStart starts a cluster that is stopped with the test at the latest.
func mustStart(t *testing.T, config Config) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// ask gives the answer to a query.
func ask(t *testing.T, databaseURL, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var answer string
	if err := conn.QueryRow(t.Context(), sql).Scan(&answer); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

// eventually polls for something that other processes are about to do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func TestStartKeepsData(t *testing.T) {
	config := Config{DataDir: filepath.Join(tempDir(t), "tercel")}
	c := mustStart(t, config)
	ask(t, c.URL(), "CREATE TABLE kept AS SELECT 'here' AS what")
	for _, s := range [][2]string{{"fsync", "on"}, {"synchronous_commit", "on"}, {"full_page_writes", "on"}, {"listen_addresses", ""}} {
		if got := ask(t, c.URL(), "SHOW "+s[0]); got != s[1] {
			t.Errorf("%s is %q, want %q", s[0], got, s[1])
		}
	}
	if c.TCPURL() != "" {
		t.Errorf("it has a TCP address: %s", c.TCPURL())
	}
	if _, err := Start(t.Context(), config); !errors.Is(err, ErrInUse) {
		t.Errorf("a second start in the same folder gives %v", err)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Errorf("stopping it twice: %v", err)
	}
	select {
	case <-c.Exited():
	default:
		t.Error("it has not exited")
	}
	info, err := os.Stat(filepath.Join(c.DataDir(), "data"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder: %v, %v", info, err)
	}
	c = mustStart(t, config)
	if got := ask(t, c.URL(), "SELECT what FROM kept"); got != "here" {
		t.Errorf("after the restart the table has %q", got)
	}
	// The lock in the folder is free again, and the folder can be emptied.
	if err := Discard(t.Context(), config.DataDir); !errors.Is(err, ErrInUse) {
		t.Errorf("discarding a cluster that runs gives %v", err)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := Discard(t.Context(), config.DataDir); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Join(c.DataDir(), "data")); err == nil {
		t.Errorf("discarding left %v", entries)
	}
}

func TestEphemeral(t *testing.T) {
	// The path is too long for a socket below it.
	long := filepath.Join(tempDir(t), strings.Repeat("long", 30))
	if err := os.Mkdir(long, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	c := mustStart(t, Config{Ephemeral: true})
	if got := ask(t, c.URL(), "SHOW fsync"); got != "off" {
		t.Errorf("fsync is %s", got)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{c.DataDir(), c.folder.sockets} {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left behind: %v", dir, err)
		}
	}
	if _, err := Start(t.Context(), Config{}); err == nil {
		t.Error("a durable cluster without a folder started")
	}
}

func TestTCP(t *testing.T) {
	port := freePort(t)
	config := Config{DataDir: filepath.Join(tempDir(t), "tercel"), Port: port, Ephemeral: true}
	c := mustStart(t, config)
	if !strings.Contains(c.TCPURL(), ":"+strconv.Itoa(port)) {
		t.Fatalf("the TCP address is %s", c.TCPURL())
	}
	if got := ask(t, c.TCPURL(), "SELECT current_user::text"); got != superuser {
		t.Errorf("the user is %s", got)
	}
	if got := ask(t, c.URL(), "SELECT current_database()::text"); got != database {
		t.Errorf("the database is %s", got)
	}
	without := strings.Replace(c.TCPURL(), c.folder.password, "wrong", 1)
	if conn, err := pgx.Connect(t.Context(), without); err == nil {
		_ = conn.Close(t.Context())
		t.Error("a wrong password is accepted")
	}
	// The server of another one ends at its start; the error shows why.
	_, err := Start(t.Context(), Config{DataDir: filepath.Join(tempDir(t), "b"), Ephemeral: true, Port: port})
	if err == nil || !strings.Contains(err.Error(), "could not bind") {
		t.Errorf("a port that is taken gives %v", err)
	}
	ask(t, c.URL(), "SELECT 'fine'")
}

// TestKilledParent kills a process that runs a cluster. The cluster ends, and another process can go on with it at once.
func TestKilledParent(t *testing.T) {
	dir := filepath.Join(tempDir(t), "tercel")
	for range 2 {
		cmd, _, address := helper(t, "cluster", dir, nil)
		ask(t, address, "CREATE TABLE IF NOT EXISTS kept (n int)")
		ask(t, address, "INSERT INTO kept VALUES (1)")
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		// At once: the server is still there, or on its way out.
		c := mustStart(t, Config{DataDir: dir, Ephemeral: true})
		if got := ask(t, c.URL(), "SELECT count(*)::text FROM kept"); got == "0" {
			t.Errorf("the table has %s rows", got)
		}
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	// By itself: nobody starts another.
	cmd, _, _ := helper(t, "cluster", dir, nil)
	pid, ok := runningPostmaster(filepath.Join(dir, "data"))
	if !ok {
		t.Fatal("the helper runs no server")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "the server ends after its parent", func() bool { return !alive(pid) })
}

// TestLeftBehind finds a server that runs although nobody holds the lock, as where the kernel does not tie it to its parent.
func TestLeftBehind(t *testing.T) {
	config := Config{DataDir: filepath.Join(tempDir(t), "tercel"), Ephemeral: true}
	first := mustStart(t, config)
	_ = first.folder.lock.Close()
	second := mustStart(t, config)
	select {
	case <-first.Exited():
	default:
		t.Error("the orphan still runs")
	}
	ask(t, second.URL(), "SELECT 'fine'")
	if err := second.Stop(); err != nil {
		t.Fatal(err)
	}
	// The pid file of a server that is gone, and whose pid another process has got, or nobody.
	for _, pid := range []int{os.Getppid(), 1 << 22} {
		path := filepath.Join(second.DataDir(), "data", "postmaster.pid")
		text := fmt.Sprintf("%d\n%s\n1700000000\n5432\n/tmp\n\n  1 1\nready   \n", pid, filepath.Dir(path))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := second.folder.account.own(path); err != nil {
			t.Fatal(err)
		}
		again := mustStart(t, config)
		if err := again.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWatchdog has a watchdog watch over a process on behalf of one that is killed, and one that lives.
func TestWatchdog(t *testing.T) {
	cmd, _, line := helper(t, "watchdog", "", nil)
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	if !alive(pid) {
		t.Fatal("the process that is watched over does not run")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watchdog ends the process", func() bool { return !alive(pid) })

	_, stdin, line := helper(t, "watchdog", "", nil)
	if pid, err = strconv.Atoi(line); err != nil {
		t.Fatal(err)
	}
	_ = stdin.Close()
	if !alive(pid) {
		t.Error("unwatching ended the process")
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// TestUnprivileged runs a cluster as a user that is not root, if this process is.
func TestUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the other tests run as such a user")
	}
	account, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	dir := tempDir(t)
	if err := account.own(dir); err != nil {
		t.Fatal(err)
	}
	// The binary is in a folder that only root can enter.
	binary := filepath.Join(dir, "devpg.test")
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, text, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd, stdin, address := helper(t, "cluster", filepath.Join(dir, "cluster"), func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args[0], cmd.Dir = binary, binary, dir
		cmd.SysProcAttr = account.attributes()
	})
	ask(t, address, "SELECT 'fine'")
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestReachable moves the folder of root's cluster out of a folder that the server's user cannot enter.
func TestReachable(t *testing.T) {
	closed := filepath.Join(tempDir(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	other := &account{name: "other", uid: os.Geteuid() + 12345, gid: os.Getegid() + 12345, switches: true}
	got := other.reachable(filepath.Join(closed, "x", "tercel"))
	if !strings.HasPrefix(got, rootDataDir+"/tercel-") {
		t.Errorf("the folder is %s", got)
	}
	if again := other.reachable(filepath.Join(closed, "y", "tercel")); again == got {
		t.Errorf("two folders become one: %s", got)
	}
	self := &account{uid: os.Geteuid(), gid: os.Getegid()}
	if got := self.reachable(filepath.Join(closed, "tercel")); got != filepath.Join(closed, "tercel") {
		t.Errorf("the folder is %s", got)
	}
}

func TestBadFolders(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(data string) error
		want    error
		says    string
	}{
		{"another version", func(data string) error {
			return os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("14\n"), 0o600)
		}, ErrWrongVersion, "Install Postgres 14"},
		{"no version", func(data string) error {
			return os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("new\n"), 0o600)
		}, nil, "not a version"},
		{"not a cluster", func(data string) error {
			return os.WriteFile(filepath.Join(data, "photo.jpg"), []byte("x"), 0o600)
		}, nil, "not empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := tempDir(t)
			data := filepath.Join(dir, "data")
			if err := errors.Join(os.Mkdir(data, 0o700), c.prepare(data)); err != nil {
				t.Fatal(err)
			}
			_, err := Start(t.Context(), Config{DataDir: dir})
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	file := filepath.Join(tempDir(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Config{DataDir: file}); err == nil || !strings.Contains(err.Error(), "not a folder") {
		t.Errorf("a file as the folder gives %v", err)
	}
}
