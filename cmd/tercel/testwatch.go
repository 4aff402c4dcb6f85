package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// testWatcher runs case files again when they, or what they name, change.
type testWatcher struct {
	app     *app
	paths   []string
	flags   testFlags
	opened  *openedFiles
	watched map[string]bool // folders
}

// watchTests runs case files, and again after each change, until ctx ends.
func (a *app) watchTests(ctx context.Context, paths []string, f testFlags) error {
	ctx, cancel := interruptible(ctx)
	defer cancel()
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching for changes: %w", err)
	}
	defer func() { _ = w.Close() }()
	t := &testWatcher{app: a, paths: paths, flags: f, opened: &openedFiles{}, watched: map[string]bool{}}
	t.run(w)
	rest := time.NewTimer(0)
	<-rest.C
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.Events:
			if t.concerns(e) {
				rest.Reset(settle)
			}
		case err := <-w.Errors:
			a.notef("Watching for changes: %v\n", err)
			rest.Reset(settle) // events may have been lost
		case <-rest.C:
			a.printf("\n%s\n", a.paint(dim, "--- again"))
			t.run(w)
		}
	}
}

// run runs everything once. What is wrong is printed; it ends nothing.
func (t *testWatcher) run(w *fsnotify.Watcher) {
	t.opened = &openedFiles{}
	files, err := findCaseFiles(t.paths)
	if err == nil {
		err = t.app.testFiles(files, t.flags, t.opened)
	}
	if err != nil && err.Error() != "" {
		t.app.notef("tercel: %v\n", err)
	}
	folders := []string{}
	for _, path := range t.paths {
		folders = append(folders, filepath.Clean(path), filepath.Dir(path))
	}
	for _, name := range t.opened.names {
		folders = append(folders, filepath.Dir(name))
	}
	for _, dir := range folders {
		if t.watched[dir] {
			continue
		}
		t.watched[dir] = true
		if err := w.Add(dir); err != nil {
			t.app.notef("Changes in %s are not noticed: %v\n", dir, err)
		}
	}
	t.app.notef("Watching %s; Ctrl-C ends it.\n", plural(len(t.opened.names), "file"))
}

// concerns tells whether an event is about a file that was read, or a case file that may be new.
func (t *testWatcher) concerns(e fsnotify.Event) bool {
	name := filepath.Clean(e.Name)
	return e.Op != fsnotify.Chmod && (slices.Contains(t.opened.names, name) || isCaseFile(name))
}
