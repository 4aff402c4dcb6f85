//go:build unix

package devpg

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha1" // what repositories publish
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ulikunitz/xz"
)

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// hide makes the machine look as if no Postgres were installed.
func hide(t *testing.T) {
	t.Helper()
	t.Setenv("PG_BIN", "")
	t.Setenv("PATH", "/bin")
	if dir, err := filepath.EvalSymlinks("/bin"); err == nil && dir != "/bin" {
		// pg_config is among the system's programs; only the shell is needed.
		dir := tempDir(t)
		if err := os.Symlink("/bin/sh", filepath.Join(dir, "sh")); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir)
	}
	kept := places
	places = nil
	t.Cleanup(func() { places = kept })
}

// jar packs an archive as the repository has it: a tar, compressed with xz, in a zip.
func jar(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var tarred, packed, zipped bytes.Buffer
	tw := tar.NewWriter(&tarred)
	for _, h := range entries {
		content := h.PAXRecords["content"]
		h.PAXRecords = nil
		h.Size = int64(len(content))
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	xw, err := xz.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := xw.Write(tarred.Bytes()); err != nil {
		t.Fatal(err)
	}
	zw := zip.NewWriter(&zipped)
	for name, content := range map[string][]byte{"META-INF/MANIFEST.MF": []byte("x"), "postgres-x.txz": packed.Bytes()} {
		w, err := zw.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "postgres-x.txz" {
			if err := errors.Join(xw.Close(), tw.Close()); err != nil {
				t.Fatal(err)
			}
			content = packed.Bytes()
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return zipped.Bytes()
}

func file(name, content string, mode int64) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, PAXRecords: map[string]string{"content": content}}
}

func link(name, target string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
}

// installed packs programs that call those of the Postgres on this machine.
func installed(t *testing.T) []byte {
	t.Helper()
	b, err := findBinaries(t.Context(), Config{}, 0, &account{})
	if err != nil {
		t.Fatal(err)
	}
	script := func(program string) string { return "#!/bin/sh\nexec " + b.path(program) + ` "$@"` + "\n" }
	return jar(t, tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		file("./bin/initdb", script("initdb"), 0o755), file("./bin/the-server", script("postgres"), 0o755),
		link("./bin/postgres", "the-server"), file("share/readme", "text", 0o644))
}

// repository serves an archive with its checksum at the place where a Maven repository has it.
func repository(t *testing.T, archive []byte, checksums map[string]string) (base string, downloads *int) {
	t.Helper()
	name, err := artifact()
	if err != nil {
		t.Skip(err)
	}
	path := fmt.Sprintf("/maven/%s/%s/%s/%s-%s.jar", downloadGroup, name, downloadVersion, name, downloadVersion)
	downloads = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			*downloads++
			_, _ = w.Write(archive)
		} else if sum, ok := checksums[strings.TrimPrefix(r.URL.Path, path)]; ok {
			_, _ = w.Write([]byte(sum))
		} else {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/maven/", downloads
}

func sha256Of(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }
func sha1Of(b []byte) string   { h := sha1.Sum(b); return hex.EncodeToString(h[:]) }

// TestDownload starts a cluster on a machine without Postgres, and then finds the programs in the cache.
func TestDownload(t *testing.T) {
	archive := installed(t)
	base, downloads := repository(t, archive, map[string]string{".sha256": sha256Of(archive)})
	hide(t)
	t.Setenv("TERCEL_PG_DOWNLOAD_URL", base)
	config := Config{DownloadDir: filepath.Join(tempDir(t), "cache"), Ephemeral: true}
	c := mustStart(t, config)
	ask(t, c.URL(), "SELECT 'fine'")
	// Nothing needs to be downloaded any more, so forbidding it changes nothing.
	t.Setenv("TERCEL_PG_DOWNLOAD", "off")
	b, err := findBinaries(t.Context(), quiet(config), 0, &account{})
	if err != nil || !strings.HasPrefix(b.dir, config.DownloadDir) {
		t.Errorf("found %+v, %v", b, err)
	}
	if *downloads != 1 {
		t.Errorf("it was downloaded %d times", *downloads)
	}
}

// TestDownloadSHA1 takes the checksum that old archives have, in the form that some tools write.
func TestDownloadSHA1(t *testing.T) {
	archive := installed(t)
	base, _ := repository(t, archive, map[string]string{".sha1": strings.ToUpper(sha1Of(archive)) + "  the.jar\n"})
	hide(t)
	t.Setenv("TERCEL_PG_DOWNLOAD_URL", base)
	var at sync.WaitGroup
	config := quiet(Config{DownloadDir: filepath.Join(tempDir(t), "cache")})
	for range 3 { // processes that need it at the same time; the second waits for the first
		at.Go(func() {
			if _, err := findBinaries(t.Context(), config, 0, &account{}); err != nil {
				t.Error(err)
			}
		})
	}
	at.Wait()
}

func quiet(config Config) Config {
	config.Log = slog.New(slog.DiscardHandler)
	return config
}

// TestDownloadRefused serves what must not be run.
func TestDownloadRefused(t *testing.T) {
	good := installed(t)
	outside := filepath.Join(tempDir(t), "outside")
	bad := map[string][]byte{
		"a path that leads out":  jar(t, file("../../escaped", "x", 0o644)),
		"an absolute path":       jar(t, file(outside, "x", 0o644)),
		"a link that leads out":  jar(t, link("dir", filepath.Dir(outside)), file("dir/outside", "x", 0o644)),
		"not an archive":         []byte("<html>sign in to the network</html>"),
		"programs that are none": jar(t, file("bin/initdb", "#!/bin/sh\n", 0o755), file("bin/postgres", "#!/bin/sh\necho 1\n", 0o755)),
	}
	for name, archive := range bad {
		t.Run(name, func(t *testing.T) {
			base, _ := repository(t, archive, map[string]string{".sha256": sha256Of(archive)})
			refused(t, base, "")
			if _, err := os.Stat(outside); err == nil {
				t.Error("it wrote outside of its folder")
			}
		})
	}
	t.Run("a wrong checksum", func(t *testing.T) {
		base, _ := repository(t, good, map[string]string{".sha256": sha256Of([]byte("other"))})
		refused(t, base, "damaged")
	})
	t.Run("no checksum", func(t *testing.T) {
		base, _ := repository(t, good, nil)
		refused(t, base, "no checksum")
	})
	t.Run("nothing there", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(server.Close)
		refused(t, server.URL, "no such file")
	})
	t.Run("no server there", func(t *testing.T) {
		refused(t, fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), "downloading")
	})
	t.Run("forbidden", func(t *testing.T) {
		t.Setenv("TERCEL_PG_DOWNLOAD", "off")
		base, downloads := repository(t, good, map[string]string{".sha256": sha256Of(good)})
		refused(t, base, "TERCEL_PG_DOWNLOAD=off")
		if *downloads != 0 {
			t.Error("it was downloaded all the same")
		}
	})
}

// refused expects an error that tells what to do.
func refused(t *testing.T, base, says string) {
	t.Helper()
	hide(t)
	t.Setenv("TERCEL_PG_DOWNLOAD_URL", base)
	_, err := Start(t.Context(), Config{DownloadDir: tempDir(t), Ephemeral: true})
	if !errors.Is(err, ErrNoPostgres) || !strings.Contains(err.Error(), says) ||
		!strings.Contains(err.Error(), "apt-get install postgresql") || !strings.Contains(err.Error(), "--database-url") {
		t.Errorf("got %v", err)
	}
}

func TestPGBin(t *testing.T) {
	b, err := findBinaries(t.Context(), Config{}, 0, &account{})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PG_BIN", b.dir)
	if again, err := findBinaries(t.Context(), Config{}, b.major, &account{}); err != nil || again.dir != b.dir {
		t.Errorf("got %+v, %v", again, err)
	}
	if _, err := findBinaries(t.Context(), Config{}, b.major+1, &account{}); !errors.Is(err, ErrWrongVersion) {
		t.Errorf("a cluster of another version gives %v", err)
	}
	t.Setenv("PG_BIN", tempDir(t))
	if _, err := findBinaries(t.Context(), Config{}, 0, &account{}); !errors.Is(err, ErrNoPostgres) {
		t.Errorf("a folder without programs gives %v", err)
	}
}

// TestChoose takes the newest version, or the one of the cluster; and none that Tercel does not run on.
func TestChoose(t *testing.T) {
	found := []*binaries{{dir: "a", major: 16}, {dir: "b", major: 18}, {dir: "c", major: 15}, {dir: "d", major: 18}}
	for major, want := range map[int]string{0: "b", 15: "c", 16: "a", 18: "b"} {
		if got := choose(found, major); got == nil || got.dir != want {
			t.Errorf("for version %d: %+v, want %s", major, got, want)
		}
	}
	if got := choose(found, 17); got != nil {
		t.Errorf("for version 17: %+v", got)
	}
	for version, ok := range map[string]bool{
		"postgres (PostgreSQL) 16.4": true, "postgres (PostgreSQL) 17.6 (Debian 17.6-1)": true, "postgres (PostgreSQL) 18beta1": true,
		"postgres (PostgreSQL) 14.1": false, "postgres (PostgreSQL) 19.0": false, "something else": false,
	} {
		dir := tempDir(t)
		for _, program := range []string{"postgres", "initdb"} {
			if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\necho '"+version+"'\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := inspect(t.Context(), dir); (err == nil) != ok {
			t.Errorf("%q: %v", version, err)
		}
	}
}
