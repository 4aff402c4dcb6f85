//go:build unix

package devpg

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // what repositories publish beside old archives
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ulikunitz/xz"
	"golang.org/x/sys/unix"
)

// What is downloaded: the binaries that the zonky.io project builds for testing, as they lie in a Maven repository.
const (
	downloadVersion = "17.6.0"
	downloadMajor   = 17
	downloadBase    = "https://repo1.maven.org/maven2"
	downloadGroup   = "io/zonky/test/postgres"
	// maxArchive and maxUnpacked bound what an answer may be, several times over what it is.
	maxArchive  = 256 << 20
	maxUnpacked = 1 << 30
)

// downloaded gives the binaries of an earlier download, or downloads them. Processes that need them at the same time
// wait for the first.
func downloaded(ctx context.Context, config Config, account *account) (*binaries, error) {
	cache, err := downloadDir(config, account)
	if err != nil {
		return nil, err
	}
	name, err := artifact()
	if err != nil {
		return nil, err
	}
	target := filepath.Join(cache, name+"-"+downloadVersion)
	if b, err := inspect(ctx, filepath.Join(target, "bin")); err == nil {
		return b, nil
	}
	if strings.EqualFold(os.Getenv("TERCEL_PG_DOWNLOAD"), "off") {
		return nil, errDownloadOff
	}
	if err := os.MkdirAll(cache, 0o755); err != nil { // the server's user has to read it
		return nil, fmt.Errorf("making the cache folder: %w", err)
	}
	unlock, err := lockFile(target + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if b, err := inspect(ctx, filepath.Join(target, "bin")); err == nil {
		return b, nil
	}
	source := downloadURL(name)
	config.Log.InfoContext(ctx, "downloading Postgres", "version", downloadVersion, "from", source)
	archive, err := fetch(ctx, source, maxArchive)
	if err != nil {
		return nil, fmt.Errorf("downloading it went wrong: %w", err)
	}
	if err := verify(ctx, source, archive); err != nil {
		return nil, fmt.Errorf("downloading it went wrong: %w", err)
	}
	if err := install(archive, target); err != nil {
		return nil, fmt.Errorf("unpacking %s went wrong: %w", source, err)
	}
	b, err := inspect(ctx, filepath.Join(target, "bin"))
	if err != nil {
		return nil, fmt.Errorf("what was downloaded from %s does not run here: %w", source, err)
	}
	return b, nil
}

// downloadDir is where downloads are kept. Root keeps them where the user that Postgres runs as can read them.
func downloadDir(config Config, account *account) (string, error) {
	if config.DownloadDir != "" {
		return config.DownloadDir, nil
	}
	if account.switches {
		return "/var/cache/tercel/postgres", nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder to keep a download in: %w", err)
	}
	return filepath.Join(cache, "tercel", "postgres"), nil
}

// artifact names the archive for this machine.
func artifact() (string, error) {
	name := "embedded-postgres-binaries-" + runtime.GOOS + "-"
	switch runtime.GOARCH {
	case "amd64":
		name += "amd64"
	case "arm64":
		name += "arm64v8"
	default:
		return "", fmt.Errorf("there is none to download for %s", runtime.GOARCH)
	}
	switch runtime.GOOS {
	case "darwin":
	case "linux":
		if musl, err := filepath.Glob("/lib/ld-musl-*"); err == nil && len(musl) > 0 {
			name += "-alpine"
		}
	default:
		return "", fmt.Errorf("there is none to download for %s", runtime.GOOS)
	}
	return name, nil
}

// downloadURL is the address of the archive. TERCEL_PG_DOWNLOAD_URL names another Maven repository, or, ending in .jar,
// the archive itself.
func downloadURL(name string) string {
	base := downloadBase
	if other := os.Getenv("TERCEL_PG_DOWNLOAD_URL"); other != "" {
		if strings.HasSuffix(other, ".jar") {
			return other
		}
		base = strings.TrimSuffix(other, "/")
	}
	return strings.Join([]string{base, downloadGroup, name, downloadVersion, name + "-" + downloadVersion + ".jar"}, "/")
}

// errMissing says that the server does not have a file.
var errMissing = errors.New("there is no such file")

func fetch(ctx context.Context, source string, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", source, errMissing)
	default:
		return nil, fmt.Errorf("%s: the server answers %s", source, response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%s: longer than %d bytes", source, limit)
	}
	return body, nil
}

// verify compares an archive with the checksum that lies beside it. One without a checksum is refused.
func verify(ctx context.Context, source string, archive []byte) error {
	for _, kind := range []struct {
		suffix string
		hash   func() hash.Hash
	}{{".sha256", sha256.New}, {".sha1", sha1.New}} {
		text, err := fetch(ctx, source+kind.suffix, 1<<10)
		if errors.Is(err, errMissing) {
			continue
		}
		if err != nil {
			return err
		}
		fields := strings.Fields(string(text))
		h := kind.hash()
		h.Write(archive)
		if sum := hex.EncodeToString(h.Sum(nil)); len(fields) == 0 || !strings.EqualFold(fields[0], sum) {
			return fmt.Errorf("%s: its checksum is %s, and %s%s says %q: the download is damaged", source, sum, source,
				kind.suffix, strings.TrimSpace(string(text)))
		}
		return nil
	}
	return fmt.Errorf("%s: it has no checksum beside it (.sha256 or .sha1)", source)
}

// install unpacks an archive beside its place and then moves it there, so that what is there is complete.
func install(archive []byte, target string) error {
	jar, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return fmt.Errorf("opening the archive: %w", err)
	}
	for _, file := range jar.File {
		if !strings.HasSuffix(file.Name, ".txz") {
			continue
		}
		unfinished := target + ".new"
		if err := os.RemoveAll(unfinished); err != nil {
			return err
		}
		if err := unpack(file, unfinished); err != nil {
			_ = os.RemoveAll(unfinished)
			return fmt.Errorf("%s: %w", file.Name, err)
		}
		if err := os.RemoveAll(target); err != nil {
			return err
		}
		return os.Rename(unfinished, target)
	}
	return errors.New("the archive has no .txz in it")
}

// unpack writes the files of a tar archive, compressed with xz, into a new folder. Nothing can be written outside of it:
// os.Root sees to that, for names and for links.
func unpack(file *zip.File, target string) error {
	packed, err := file.Open()
	if err != nil {
		return err
	}
	defer func() { _ = packed.Close() }()
	plain, err := xz.NewReader(packed)
	if err != nil {
		return err
	}
	if err := os.Mkdir(target, 0o755); err != nil { // the server's user has to read it
		return err
	}
	root, err := os.OpenRoot(target)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	entries := tar.NewReader(io.LimitReader(plain, maxUnpacked))
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackEntry(root, header, entries); err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

func unpackEntry(root *os.Root, header *tar.Header, content io.Reader) error {
	name := filepath.Clean(header.Name)
	if name == "." {
		return nil
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, 0o755)
	case tar.TypeSymlink:
		return root.Symlink(header.Linkname, name)
	case tar.TypeReg:
		mode := fs.FileMode(0o644)
		if header.Mode&0o111 != 0 {
			mode = 0o755
		}
		file, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content) // bounded by maxUnpacked
		return errors.Join(err, file.Close())
	default:
		return nil // devices and the like are not in there
	}
}

// lockFile waits for a lock that the system drops with the process.
func lockFile(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a lock: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return func() { _ = file.Close() }, nil
}
