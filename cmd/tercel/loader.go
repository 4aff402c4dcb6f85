package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/tercel-workflows/tercel/cmd/tercel/project"
	"github.com/tercel-workflows/tercel/statemachine/diag"
	"github.com/tercel-workflows/tercel/web/client"
)

// settle is how long files must rest before they are read: an editor writes a file in several steps.
const settle = 100 * time.Millisecond

// loader keeps a server at what a registry file says.
type loader struct {
	app     *app
	file    string
	client  *client.Client
	last    *project.Project // the last one that was read without errors
	trouble string           // what the last load reported, "" if it went well
	absent  bool
	watched map[string]bool // folders
}

func newLoader(a *app, file string, c *client.Client) *loader {
	return &loader{app: a, file: file, client: c, watched: map[string]bool{}}
}

// load reads the registry file and applies it. What goes wrong is printed once, and leaves the server as it is.
func (l *loader) load(ctx context.Context) {
	done, err := l.apply(ctx)
	if ctx.Err() != nil {
		return
	}
	l.absent = errors.Is(err, fs.ErrNotExist)
	if err != nil && (!l.absent || l.last != nil) {
		l.complain(err)
		return
	}
	mended := l.trouble != ""
	l.trouble = ""
	if l.app.json {
		return
	}
	l.app.warn(done)
	l.app.printChanges(done, false)
	if mended {
		l.app.printf("%s is fine again.\n", l.file)
	}
}

func (l *loader) apply(ctx context.Context) (applied, error) {
	p, err := project.Load(l.file)
	if err != nil {
		return applied{}, err
	}
	if l.app.namespace == "" {
		l.client.Namespace = p.Namespace
	}
	l.last = p
	return apply(ctx, l.client, p, false, l.app.showProgress())
}

// complain prints what is wrong, unless it has been said.
func (l *loader) complain(err error) {
	text := err.Error()
	var findings diag.List
	var refused *client.Error
	switch {
	case errors.As(err, &findings):
		text = findings.Error()
	case errors.As(err, &refused) && len(refused.Diagnostics) > 0:
		text = fmt.Sprintf("%s\n%s", err, refused.Diagnostics.Error())
	}
	if text == l.trouble {
		return
	}
	l.trouble = text
	l.app.notef("\n%s\n\n%s is not applied; what was deployed before stays.\n", text, l.file)
}

// describe tells in a line what is loaded.
func (l *loader) describe() string {
	switch {
	case l.absent:
		return "no " + l.file + " here; it is loaded as soon as there is one"
	case l.last == nil:
		return l.file + " has errors; it is read again when it changes"
	default:
		return fmt.Sprintf("%s: %s, %s; applied again on change", l.file,
			plural(len(l.last.Functions), "function"), plural(len(l.last.Machines), "state machine"))
	}
}

func (l *loader) firstMachine() string {
	if l.last == nil || len(l.last.Machines) == 0 {
		return ""
	}
	return l.last.Machines[0].Name
}

// watch loads again whenever the registry file or a definition changes, until ctx ends. Folders are watched rather than
// files, since editors replace files by new ones.
func (l *loader) watch(ctx context.Context) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		l.app.notef("Changes of %s are not noticed: %v\n", l.file, err)
		return
	}
	defer func() { _ = w.Close() }()
	l.follow(w)
	rest := time.NewTimer(settle) // once at the start: a file may have changed since it was loaded
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			if l.concerns(e) {
				rest.Reset(settle)
			}
		case err, ok := <-w.Errors:
			if !ok {
				return
			}
			l.app.notef("Watching %s: %v\n", l.file, err)
			rest.Reset(settle) // events may have been lost
		case <-rest.C:
			l.load(ctx)
			l.follow(w)
		}
	}
}

// follow watches the folders of all files that matter.
func (l *loader) follow(w *fsnotify.Watcher) {
	for _, path := range l.files() {
		dir := filepath.Dir(path)
		if l.watched[dir] {
			continue
		}
		if err := w.Add(dir); err != nil {
			l.app.notef("Changes in %s are not noticed: %v\n", dir, err)
		}
		l.watched[dir] = true
	}
}

// files gives the registry file and the definitions that it named when it was last in order.
func (l *loader) files() []string {
	files := []string{filepath.Clean(l.file)}
	if l.last != nil {
		for _, m := range l.last.Machines {
			files = append(files, filepath.Clean(m.File))
		}
	}
	return files
}

// concerns tells whether an event is about a file that matters. A registry file in trouble may name files that are not
// known, so that everything matters then.
func (l *loader) concerns(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	if l.trouble != "" {
		return true
	}
	for _, path := range l.files() {
		if filepath.Clean(e.Name) == path {
			return true
		}
	}
	return false
}
