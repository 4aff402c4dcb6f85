// Package approve is the page behind the link of an approval. It shows what is to be decided and takes the decision. It is
// plain HTML: no script, nothing from elsewhere, fit for a phone.
//
// To open a link decides nothing, for those who scan mail open links: only a POST does. A forged POST is no concern of its
// own here: what lets somebody decide is the token in the path, which another site does not know, and no cookie.
package approve

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/engine/access"
	"github.com/tercel-workflows/tercel/statemachine"
)

//go:embed page.html
var pageText string

//go:embed page.css
var style string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"when": when, "data": show}).Parse(pageText))

// policy lets the page use its own style sheet and post to where it came from, and nothing else.
var policy = fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'", digest(style))

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// maxBody bounds what is posted, in bytes.
const maxBody = 1 << 20

// Page answers the links of approvals.
type Page struct {
	Engine *engine.Engine
	Access *access.Control // records decisions; nil: they are recorded in the history only
	Logger *slog.Logger
}

// Register adds the page to a router, at engine.ApprovalPath.
func (p *Page) Register(r chi.Router) {
	p.Logger = cmp.Or(p.Logger, slog.Default())
	r.Get(engine.ApprovalPath+"{token}", p.show)
	r.Post(engine.ApprovalPath+"{token}", p.decide)
}

// view is what the template sees.
type view struct {
	Style template.CSS
	Title string
	Lost  string // the link leads nowhere: why

	A           *engine.Approval
	Approver    string
	StatusText  string
	StatusClass string
	Asked       string
	Deadline    string
	Expires     string
	Waiting     string
	Progress    string
	Several     bool // more than one is asked
	Data        *datum

	Message, MessageClass string
	MayDecide             bool
	Problem               string
	Fields                []*field
	Comment, CommentError string
	To, DelegateError     string
	DelegateComment       string
}

// show answers GET. It changes nothing.
func (p *Page) show(w http.ResponseWriter, r *http.Request) {
	l, err := p.Engine.OpenApprovalLink(r.Context(), chi.URLParam(r, "token"))
	if err != nil {
		p.lost(w, r, err)
		return
	}
	v := newView(&l)
	v.Fields = fields(l.Form)
	p.write(w, r, http.StatusOK, v)
}

// decide answers POST: approve, reject or delegate.
func (p *Page) decide(w http.ResponseWriter, r *http.Request) {
	token := chi.URLParam(r, "token")
	l, err := p.Engine.OpenApprovalLink(r.Context(), token)
	if err != nil {
		p.lost(w, r, err)
		return
	}
	v := newView(&l)
	v.Fields = fields(l.Form)
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		v.Problem = "What was sent cannot be read, or is too large; nothing was decided."
		p.write(w, r, http.StatusBadRequest, v)
		return
	}
	switch r.PostForm.Get("decision") {
	case "approve":
		p.recorded(w, r, "DecideApproval", v, func() error { return p.approve(w, r, token, v) })
	case "reject":
		p.recorded(w, r, "DecideApproval", v, func() error { return p.reject(w, r, token, v) })
	case "delegate":
		p.recorded(w, r, "DelegateApproval", v, func() error { return p.delegate(w, r, token, v) })
	default:
		v.Problem = "Press one of the buttons; nothing was decided yet."
		p.write(w, r, http.StatusBadRequest, v)
	}
}

// recorded does what a button is for, and puts it into the audit.
func (p *Page) recorded(w http.ResponseWriter, r *http.Request, action string, v *view, do func() error) {
	if p.Access == nil {
		_ = do() // answered
		return
	}
	ctx := access.With(r.Context(), access.Principal{Name: "link of " + v.Approver})
	call, err := p.Access.Begin(ctx, action, v.A.Namespace, "approval/"+v.A.ID)
	if err != nil {
		v.Problem = "The server cannot take this at the moment. Nothing was decided; please try again in a minute."
		p.write(w, r, http.StatusServiceUnavailable, v)
		return
	}
	outcome := access.OutcomeOK
	if err := do(); err != nil {
		outcome = string(engine.CodeServiceUnavailable)
		if coded, ok := errors.AsType[*engine.Error](err); ok {
			outcome = string(coded.Code)
		}
	}
	call.End(outcome)
}

var errNotFilledIn = &engine.Error{Code: engine.CodeInvalidForm, Message: "not everything is filled in as it must be"}

func (p *Page) approve(w http.ResponseWriter, r *http.Request, token string, v *view) error {
	v.Comment = r.PostForm.Get("comment")
	form, problem, ok := read(v.A.Form, v.Fields, r.PostForm)
	if !ok && v.MayDecide {
		v.Problem = problem
		p.write(w, r, http.StatusUnprocessableEntity, v)
		return errNotFilledIn
	}
	_, err := p.Engine.DecideByLink(r.Context(), token, engine.DecisionRequest{Approved: true, Comment: v.Comment, Form: form})
	p.answer(w, r, token, v, err)
	return err
}

// reject takes the form as far as it is filled in: who rejects need not finish it.
func (p *Page) reject(w http.ResponseWriter, r *http.Request, token string, v *view) error {
	v.Comment = r.PostForm.Get("comment")
	form := draft(v.Fields, r.PostForm)
	if v.MayDecide && v.A.ReasonRequired && strings.TrimSpace(v.Comment) == "" {
		v.CommentError = "Please say why."
		v.Problem = "A rejection needs a reason; nothing was decided yet."
		p.write(w, r, http.StatusUnprocessableEntity, v)
		return errNotFilledIn
	}
	_, err := p.Engine.DecideByLink(r.Context(), token, engine.DecisionRequest{Comment: v.Comment, Form: form})
	p.answer(w, r, token, v, err)
	return err
}

func (p *Page) delegate(w http.ResponseWriter, r *http.Request, token string, v *view) error {
	v.To, v.DelegateComment = r.PostForm.Get("to"), r.PostForm.Get("comment")
	_, err := p.Engine.DelegateByLink(r.Context(), token, v.To, v.DelegateComment)
	if errors.Is(err, &engine.Error{Code: engine.CodeValidation}) {
		v.DelegateError = message(err)
		p.write(w, r, http.StatusUnprocessableEntity, v)
		return errNotFilledIn
	}
	p.answer(w, r, token, v, err)
	return err
}

// answer follows a decision: to the page as it is now, so that a reload decides nothing again, or to what was refused.
func (p *Page) answer(w http.ResponseWriter, r *http.Request, token string, v *view, err error) {
	if err == nil {
		http.Redirect(w, r, engine.ApprovalPath+url.PathEscape(token), http.StatusSeeOther)
		return
	}
	status, known := statusOf(err)
	if !known {
		p.Logger.ErrorContext(r.Context(), "a decision by link failed", "error", err)
	}
	switch status {
	case http.StatusConflict, http.StatusForbidden, http.StatusGone: // it stands otherwise than when the page was opened
		if l, again := p.Engine.OpenApprovalLink(r.Context(), token); again == nil {
			v = newView(&l)
			v.Fields = fields(l.Form)
			if v.Message == "" {
				v.Message, v.MessageClass = message(err), "bad"
			} else if status == http.StatusConflict {
				v.Message = "This changed nothing. " + v.Message
			}
		}
	default:
		v.Problem = message(err)
	}
	p.write(w, r, status, v)
}

// statusOf gives the status of an answer for an error of the engine; false for one that the engine has no code for.
func statusOf(err error) (int, bool) {
	coded, ok := errors.AsType[*engine.Error](err)
	if !ok {
		return http.StatusInternalServerError, false
	}
	switch coded.Code {
	case engine.CodeInvalidToken, engine.CodeApprovalDoesNotExist, engine.CodeExecutionDoesNotExist:
		return http.StatusNotFound, true
	case engine.CodeLinkExpired:
		return http.StatusGone, true
	case engine.CodeNotAnApprover:
		return http.StatusForbidden, true
	case engine.CodeAlreadyDecided, engine.CodeApprovalSettled:
		return http.StatusConflict, true
	case engine.CodeInvalidForm, engine.CodeValidation:
		return http.StatusUnprocessableEntity, true
	case engine.CodeServiceUnavailable:
		return http.StatusServiceUnavailable, true
	default:
		return http.StatusInternalServerError, false
	}
}

// message gives what a person is told of an error.
func message(err error) string {
	var coded *engine.Error
	switch {
	case errors.Is(err, engine.ErrServiceUnavailable):
		return "The server cannot take this at the moment. Nothing is lost; please try again in a minute."
	case errors.As(err, &coded):
		return sentence(coded.Message)
	default:
		return "Something went wrong on the server. Nothing was decided; please try again."
	}
}

func sentence(text string) string {
	if text == "" {
		return text
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// lost answers a link that leads nowhere.
func (p *Page) lost(w http.ResponseWriter, r *http.Request, err error) {
	status, known := statusOf(err)
	if !known {
		p.Logger.ErrorContext(r.Context(), "showing an approval failed", "error", err)
	}
	v := &view{Title: "This link leads nowhere", Lost: message(err)}
	switch status {
	case http.StatusNotFound:
		if errors.Is(err, &engine.Error{Code: engine.CodeApprovalDoesNotExist}) {
			v.Lost = "What it was about is not there any more."
		}
	default:
		v.Title = "Please try again"
	}
	p.write(w, r, status, v)
}

func (p *Page) write(w http.ResponseWriter, r *http.Request, status int, v *view) {
	v.Style = template.CSS(style) //nolint:gosec // a constant of this package
	var b strings.Builder
	if err := pageTemplate.Execute(&b, v); err != nil {
		p.Logger.ErrorContext(r.Context(), "making the page of an approval", "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Referrer-Policy", "same-origin") // the path has the token; a POST of the page still says where it comes from
	h.Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "5")
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(b.String())) // whoever asked is gone
}

// newView shows an approval to the approver of a link.
func newView(l *engine.LinkedApproval) *view {
	a := &l.Approval
	v := &view{
		Title: a.Title, A: a, Approver: l.Approver, Asked: when(a.AskedAt),
		Waiting: strings.Join(a.Waiting, ", "), Several: len(a.Approvers) > 1, Data: show(a.Data), Progress: progress(a),
	}
	if a.Open() && !l.Expired {
		v.Expires = when(l.Expires)
	}
	if !a.Deadline.IsZero() {
		v.Deadline = when(a.Deadline)
	}
	switch a.Status {
	case statemachine.ApprovalOpen:
		v.StatusText = "waiting"
	case statemachine.ApprovalApproved:
		v.StatusText, v.StatusClass = "approved", "approved"
	case statemachine.ApprovalRejected:
		v.StatusText, v.StatusClass = "rejected", "rejected"
	case statemachine.ApprovalTimedOut:
		v.StatusText, v.StatusClass = "too late", "late"
	case statemachine.ApprovalCancelled:
		v.StatusText, v.StatusClass = "not needed any more", "late"
	}
	v.say(l)
	return v
}

// say tells how it stands for the one whose link it is.
func (v *view) say(l *engine.LinkedApproval) {
	own, agrees := "", false
	for _, d := range v.A.Decisions {
		if d.By == l.Approver {
			own, agrees = fmt.Sprintf("You %s this on %s.", d.Decision, when(d.At)), strings.EqualFold(d.Decision, string(v.A.Status))
		}
	}
	handed := ""
	for _, d := range v.A.Delegations {
		if d.From == l.Approver {
			handed = fmt.Sprintf("You handed this decision on to %s on %s.", d.To, when(d.At))
		}
	}
	waits := false
	for _, name := range v.A.Waiting {
		waits = waits || name == l.Approver
	}
	switch {
	case !v.A.Open():
		v.Message, v.MessageClass = strings.TrimSpace(own+" "+v.A.Outcome()), "late"
		if agrees {
			v.MessageClass = "good"
		} else if own == "" && v.A.Status == statemachine.ApprovalTimedOut {
			v.Message = "This comes too late. " + v.Message
		}
	case own != "":
		v.Message, v.MessageClass = "Thank you. "+own+" "+v.A.Outcome(), "good"
	case handed != "" && !waits:
		v.Message, v.MessageClass = handed+" It is theirs now.", "good"
	case l.Expired:
		v.Message, v.MessageClass = fmt.Sprintf("This link expired on %s. Ask for a new one; the decision is still waited for.", when(l.Expires)), "late"
	case !waits:
		v.Message, v.MessageClass = "You are not asked for this decision any more.", "late"
	default:
		v.MayDecide = true
	}
}

// progress says how many have decided and how many it takes.
func progress(a *engine.Approval) string {
	approved, rejected := 0, 0
	for _, d := range a.Decisions {
		if d.Decision == "approved" {
			approved++
		} else {
			rejected++
		}
	}
	text := fmt.Sprintf("%d of %d asked must approve; %d did so far.", a.Quorum, len(a.Approvers), approved)
	if a.Rejections > 1 {
		text += fmt.Sprintf(" %d rejections reject it; there are %d.", a.Rejections, rejected)
	}
	return text
}

func when(t time.Time) string { return t.UTC().Format("Mon 2 January 2006, 15:04 UTC") }
