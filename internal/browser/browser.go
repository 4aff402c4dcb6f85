// Package browser drives a real Chromium in tests, over the pipe of its DevTools protocol, without a driver of its own.
package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// patience bounds how long a test waits for what the browser must do.
const patience = 2 * time.Minute

// names are the names under which Chromium is installed.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell", "chrome"}

// Page is a tab of a browser that a test has for itself.
type Page struct {
	t       testing.TB
	ctx     context.Context
	in      *os.File
	session string

	mu      sync.Mutex
	last    int
	answers map[int]chan answer
	ended   error
}

type answer struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// Open starts a browser with an empty page, and ends it with the test. The test is skipped where there is no Chromium:
// TERCEL_TEST_BROWSER names one that is not in the PATH.
func Open(t testing.TB) *Page {
	t.Helper()
	program := find()
	if program == "" {
		t.Skip("there is no Chromium here: install one (apt-get install chromium), or name it in TERCEL_TEST_BROWSER")
	}
	toBrowser, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, fromBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe",
		"--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser} // 3 and 4, where it looks for them
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = toBrowser.Close(), fromBrowser.Close() // the browser has its own
	p := &Page{t: t, ctx: ctx, in: in, answers: map[int]chan answer{}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(out)
	}()
	t.Cleanup(func() {
		_, _ = p.call("Browser.close", nil) // or it is ended below
		_ = in.Close()
		<-read
		cancel()
		_ = cmd.Wait() // it was killed if it did not end by itself
		_ = out.Close()
		if t.Failed() {
			t.Logf("the browser said: %s", said.String())
		}
	})
	p.attach()
	return p
}

func find() string {
	if named := os.Getenv("TERCEL_TEST_BROWSER"); named != "" {
		return named
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// attach opens the tab.
func (p *Page) attach() {
	p.t.Helper()
	var target struct {
		ID string `json:"targetId"`
	}
	p.must(&target, "Target.createTarget", map[string]any{"url": "about:blank"})
	var attached struct {
		ID string `json:"sessionId"`
	}
	p.must(&attached, "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true})
	p.session = attached.ID
}

// read takes what the browser says until it ends. Events are left aside.
func (p *Page) read(out *os.File) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes(0)
		if err != nil {
			p.end(fmt.Errorf("reading from the browser: %w", err))
			return
		}
		var a answer
		if json.Unmarshal(bytes.TrimSuffix(line, []byte{0}), &a) != nil {
			continue
		}
		p.mu.Lock()
		if waiting := p.answers[a.ID]; waiting != nil {
			waiting <- a
			delete(p.answers, a.ID)
		}
		p.mu.Unlock()
	}
}

// end lets those who wait for the browser know that it has ended.
func (p *Page) end(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = why
	for id, waiting := range p.answers {
		close(waiting)
		delete(p.answers, id)
	}
}

// call gives the answer of the browser to a command.
func (p *Page) call(method string, params map[string]any) (json.RawMessage, error) {
	p.mu.Lock()
	if p.ended != nil {
		defer p.mu.Unlock()
		return nil, p.ended
	}
	p.last++
	id, waiting := p.last, make(chan answer, 1)
	p.answers[id] = waiting
	p.mu.Unlock()
	message := map[string]any{"id": id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if p.session != "" {
		message["sessionId"] = p.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	if _, err := p.in.Write(append(text, 0)); err != nil {
		return nil, err
	}
	select {
	case a, ok := <-waiting:
		switch {
		case !ok:
			return nil, errors.New("the browser has ended")
		case a.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		return a.Result, nil
	case <-p.ctx.Done():
		return nil, fmt.Errorf("%s: %w", method, p.ctx.Err())
	}
}

func (p *Page) must(out any, method string, params map[string]any) {
	p.t.Helper()
	result, err := p.call(method, params)
	if err == nil && out != nil {
		err = json.Unmarshal(result, out)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// Scripts lets the page run scripts, or not.
func (p *Page) Scripts(on bool) {
	p.t.Helper()
	p.must(nil, "Emulation.setScriptExecutionDisabled", map[string]any{"value": !on})
}

// Screen sets the size of the page in pixels, and whether the user prefers dark colours. A narrow one is a phone's.
func (p *Page) Screen(width, height int, dark bool) {
	p.t.Helper()
	const phone = 600
	p.must(nil, "Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < phone,
	})
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.must(nil, "Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}},
	})
}

// Go opens an address and waits until its page is there.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.leave(func() { p.must(nil, "Page.navigate", map[string]any{"url": url}) })
}

// leave does something that leads to another page, and waits for that.
func (p *Page) leave(do func()) {
	p.t.Helper()
	p.Eval("window.tercelWasHere = true", nil)
	do()
	p.Until("another page", `!window.tercelWasHere && document.readyState == "complete"`)
}

// Until waits until an expression of JavaScript is true.
func (p *Page) Until(what, expression string) {
	p.t.Helper()
	for {
		var done bool
		if p.eval(expression, &done) == nil && done { // between two pages there is nothing to ask
			return
		}
		select {
		case <-p.ctx.Done():
			p.t.Fatalf("waiting for %s: %v", what, p.ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Eval reads an expression of JavaScript, which the browser evaluates also where pages may run no scripts.
func (p *Page) Eval(expression string, out any) {
	p.t.Helper()
	if err := p.eval(expression, out); err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
}

func (p *Page) eval(expression string, out any) error {
	result, err := p.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true})
	if err != nil {
		return err
	}
	var found struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text string `json:"text"`
		} `json:"exceptionDetails"`
	}
	if err := json.Unmarshal(result, &found); err != nil {
		return err
	}
	if found.Exception != nil {
		return errors.New(found.Exception.Text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(found.Result.Value, out)
}

// Text gives what the page shows.
func (p *Page) Text() string {
	p.t.Helper()
	var text string
	p.Eval("document.body.innerText", &text)
	return text
}

// Type types into the element that a CSS selector names.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.Eval(fmt.Sprintf("document.querySelector(%q).focus()", selector), nil)
	p.must(nil, "Input.insertText", map[string]any{"text": text})
}

// Click presses on the middle of the element that a CSS selector names.
func (p *Page) Click(selector string) {
	p.t.Helper()
	var at struct{ X, Y float64 }
	p.Eval(fmt.Sprintf(`(() => {
		const e = document.querySelector(%q); e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getBoundingClientRect(); return {X: r.x + r.width / 2, Y: r.y + r.height / 2}
	})()`, selector), &at)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.must(nil, "Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1})
	}
}

// ClickThrough presses on an element that leads to another page.
func (p *Page) ClickThrough(selector string) {
	p.t.Helper()
	p.leave(func() { p.Click(selector) })
}

// Screenshot gives the whole page as a PNG.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	var shot struct {
		Data string `json:"data"`
	}
	p.must(&shot, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true})
	picture, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return picture
}
