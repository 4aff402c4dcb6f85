package approve_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/internal/browser"
	"github.com/tercel-workflows/tercel/statemachine"
)

// screens are what the page is looked at on.
var screens = []struct {
	name          string
	width, height int
	dark          bool
}{{"phone", 390, 844, false}, {"phone-dark", 390, 844, true}, {"desktop", 1280, 900, false}, {"desktop-dark", 1280, 900, true}}

// look checks that the page fits every screen, and keeps pictures of it if they are asked for.
func (s *site) look(p *browser.Page, name string) {
	s.t.Helper()
	for _, screen := range screens {
		p.Screen(screen.width, screen.height, screen.dark)
		var fits struct{ Wide, Small int }
		p.Eval(`({Wide: document.documentElement.scrollWidth,
			Small: [...document.querySelectorAll("button, input:not([type=checkbox]), select")].filter(e => e.checkVisibility() && e.offsetHeight < 44).length})`, &fits)
		if fits.Wide > screen.width || fits.Small > 0 {
			s.t.Errorf("%s on the %s: %d pixels wide, %d inputs too small for a thumb", name, screen.name, fits.Wide, fits.Small)
		}
		if folder := os.Getenv("APPROVE_PAGES"); folder != "" {
			if err := os.WriteFile(filepath.Join(folder, name+"-"+screen.name+".png"), p.Screenshot(), 0o600); err != nil {
				s.t.Error(err)
			}
		}
	}
	p.Screen(screens[0].width, screens[0].height, false)
}

// one gives the link of a small approval, once it has a status.
func (s *site) one(machine string, status statemachine.ApprovalStatus) string {
	s.t.Helper()
	x, _, err := s.engine.StartExecution(s.t.Context(), engine.StartRequest{StateMachine: machine})
	if err != nil {
		s.t.Fatal(err)
	}
	if status != statemachine.ApprovalOpen {
		if _, err := s.engine.Wait(s.t.Context(), x.ID); err != nil {
			s.t.Fatal(err)
		}
	}
	a, err := s.engine.Approval(s.t.Context(), "", x.ID.String()+"-1")
	if err != nil || a.Status != status {
		s.t.Fatalf("the approval is %s, %v", a.Status, err)
	}
	return s.link(x.ID, "ada@example.com")
}

// TestInBrowser: two people decide in a real browser on a phone, which runs no scripts.
func TestInBrowser(t *testing.T) {
	t.Parallel()
	p := browser.Open(t)
	s := newSite(t)
	x, ada, bob := s.ask()
	p.Scripts(false)
	p.Screen(screens[0].width, screens[0].height, false)

	p.Go(ada)
	s.contains(p.Text(), "Expense: flight & hotel in <Lisbon>", "Asked by grace@example.com", "740.5", "Decided so far")
	s.look(p, "open")
	// The browser itself does not let go what is not filled in.
	p.Click("button.approve")
	var invalid int
	p.Eval(`document.querySelectorAll(":invalid:not(form)").length`, &invalid)
	if invalid == 0 || s.decisions(x.ID) != 0 {
		t.Errorf("the browser minds %d inputs", invalid)
	}
	// Who rejects is let through by it, and told by the server what is missing.
	p.Type("input[type=number]", "12")
	p.ClickThrough("button.reject")
	s.contains(p.Text(), "A rejection needs a reason; nothing was decided yet.", "Please say why.")
	s.look(p, "no-reason")
	var typed string
	if p.Eval(`document.querySelector("input[type=number]").value`, &typed); typed != "12" {
		t.Errorf("what was typed became %q", typed)
	}
	p.Eval(`document.querySelector("select").value = '"travel"'`, nil)
	p.Eval(`document.querySelector("input[type=number]").value = 9000; document.querySelector("form").noValidate = true`, nil)
	p.ClickThrough("button.approve")
	s.contains(p.Text(), "This must be at most 5000", "nothing was decided yet")
	s.look(p, "wrong")
	p.Eval(`document.querySelector("input[type=number]").value = ""`, nil)
	p.Type("input[type=number]", "1300")
	p.Type("#comment", "enjoy it")
	p.ClickThrough("button.approve")
	s.contains(p.Text(), "Thank you. You approved this", "enjoy it", "Still asked: bob@example.com")
	s.look(p, "decided")

	p.Go(bob)
	p.Click("summary")
	p.Type("#to", "Zoe@Example.com")
	p.Type("#why", "away")
	s.look(p, "handing-on")
	p.ClickThrough("button.hand")
	s.contains(p.Text(), "You handed this decision on to zoe@example.com")
	s.look(p, "delegated")

	p.Go(s.link(x.ID, "zoe@example.com"))
	p.Type("#comment", "no receipts")
	p.ClickThrough("button.reject")
	s.contains(p.Text(), "You rejected this", "It was rejected on")
	s.look(p, "rejected")
	p.Go(ada)
	s.contains(p.Text(), "You approved this", "It was rejected on")
	s.look(p, "settled")

	p.Go(s.one("late", statemachine.ApprovalTimedOut))
	s.contains(p.Text(), "This comes too late. Its deadline passed on")
	s.look(p, "too-late")
	p.Go(s.one("endless", statemachine.ApprovalOpen))
	s.contains(p.Text(), "This link expired on", "Ask for a new one")
	s.look(p, "expired")
	var buttons int
	if p.Eval(`document.querySelectorAll("button").length`, &buttons); buttons != 0 {
		t.Errorf("an expired link has %d buttons", buttons)
	}
	p.Go(s.url + "/approve/abc")
	s.contains(p.Text(), "This link leads nowhere")
	s.look(p, "forged")
	if text := p.Text(); strings.Contains(text, "Approve") {
		t.Errorf("the page of a forged link has buttons: %s", text)
	}
}
