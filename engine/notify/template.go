package notify

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	texttemplate "text/template"
	"time"
)

// view is what the templates of a mail see.
type view struct {
	*Message
	Intro    string
	Deadline string
	Rows     []row
	Asks     bool // a decision is wanted
}

type row struct{ Name, Value string }

const textMail = `{{.Intro}}

{{.Approval.Title}}
{{with .Approval.RequestedBy}}Asked by {{.}}
{{end}}{{with .Deadline}}Please decide by {{.}}
{{end}}{{with .Approval.Description}}
{{.}}
{{end}}{{if .Rows}}
{{range .Rows}}{{.Name}}: {{.Value}}
{{end}}{{end}}{{if not .Asks}}
{{.Outcome}}
{{end}}
{{if .Asks}}Look at it and decide here:{{else}}See it here:{{end}}
{{.Link}}
{{if .Asks}}
The link is yours alone: whoever has it decides in your name.
{{end}}`

const htmlMail = `<!doctype html>
<html lang="en"><body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#1c2430;background:#f4f5f7">
<div style="max-width:560px;margin:0 auto;padding:24px;background:#fff;border-radius:8px">
<p style="margin:0 0 12px;color:#566070">{{.Intro}}</p>
<h1 style="margin:0 0 12px;font-size:22px;line-height:1.3">{{.Approval.Title}}</h1>
{{with .Approval.RequestedBy}}<p style="margin:0">Asked by {{.}}</p>{{end}}
{{with .Deadline}}<p style="margin:0">Please decide by <strong>{{.}}</strong></p>{{end}}
{{with .Approval.Description}}<p style="white-space:pre-line">{{.}}</p>{{end}}
{{if .Rows}}<table style="width:100%;border-collapse:collapse;margin:12px 0">{{range .Rows}}
<tr><th align="left" style="padding:4px 12px 4px 0;font-weight:normal;color:#566070;vertical-align:top">{{.Name}}</th><td style="padding:4px 0">{{.Value}}</td></tr>{{end}}</table>{{end}}
{{if not .Asks}}<p><strong>{{.Outcome}}</strong></p>{{end}}
<p style="margin:20px 0"><a href="{{.Link}}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#1d4ed8;color:#fff;text-decoration:none">{{if .Asks}}Look at it and decide{{else}}See it{{end}}</a></p>
{{if .Asks}}<p style="margin:0;font-size:13px;color:#566070">The link is yours alone: whoever has it decides in your name.</p>{{end}}
</div></body></html>
`

var (
	textOf = texttemplate.Must(texttemplate.New("text").Parse(textMail))
	htmlOf = template.Must(template.New("html").Parse(htmlMail))
)

// render writes a mail as text and as HTML.
func render(m *Message) (text, html string, err error) {
	v := view{Message: m, Rows: rows(m.Approval.Data), Asks: m.Kind != "closed"}
	if d := m.Approval.Deadline; d != nil {
		v.Deadline = d.UTC().Format("Monday, 2 January 2006, 15:04 UTC")
	}
	switch m.Kind {
	case "reminder":
		v.Intro = "This still waits for your decision."
		if d := m.Approval.Deadline; d != nil {
			v.Intro = "This still waits for your decision, until " + d.UTC().Format(time.RFC1123) + "."
		}
	case "delegated":
		v.Intro = m.From + " has handed this decision on to you."
	case "closed":
		v.Intro = "Nothing is left for you to decide here."
	default:
		v.Intro = "Your decision is asked for."
	}
	var t, h strings.Builder
	if err := textOf.Execute(&t, v); err != nil {
		return "", "", err
	}
	if err := htmlOf.Execute(&h, v); err != nil {
		return "", "", err
	}
	return t.String(), h.String(), nil
}

// rows shows the data of an approval, member by member: what is not a plain value as JSON, cut where it is long.
func rows(data json.RawMessage) []row {
	const most, long = 20, 300
	var list []row
	d := json.NewDecoder(strings.NewReader(string(data)))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil
	}
	for d.More() && len(list) < most {
		name, err := d.Token()
		var member json.RawMessage
		if err != nil || d.Decode(&member) != nil {
			return list
		}
		text := string(member)
		var plain string
		if json.Unmarshal(member, &plain) == nil {
			text = plain
		}
		if letters := []rune(text); len(letters) > long {
			text = string(letters[:long]) + "..."
		}
		list = append(list, row{fmt.Sprint(name), text})
	}
	return list
}
