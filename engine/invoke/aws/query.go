package aws

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// queryRequest makes the request of a service with the query protocol, which takes a form.
func (a *Action) queryRequest(arguments *value.Value) request {
	form := url.Values{"Action": {Capital(a.name)}, "Version": {a.service.version}}
	for i, key := range arguments.Keys() {
		addQuery(form, key, arguments.At(i))
	}
	return request{
		method: http.MethodPost, path: "/", body: []byte(form.Encode()),
		headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
	}
}

// queryMaps are the members that are maps from names that people choose.
var queryMaps = map[string]bool{"MessageAttributes": true}

func addQuery(form url.Values, name string, v *value.Value) {
	switch v.Kind() {
	case value.Object:
		for i, key := range v.Keys() {
			if queryMaps[name] {
				entry := name + ".entry." + strconv.Itoa(i+1)
				form.Set(entry+".Name", key)
				addQuery(form, entry+".Value", v.At(i))
				continue
			}
			addQuery(form, name+"."+key, v.At(i))
		}
	case value.Array:
		for i, e := range v.Elems() {
			addQuery(form, name+".member."+strconv.Itoa(i+1), e)
		}
	case value.String:
		form.Set(name, v.Text())
	case value.Null:
	case value.Bool, value.Number:
		form.Set(name, v.String())
	}
}

// queryResult reads the texts within <ActionResult>.
func queryResult(body []byte, action string) (*value.Value, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var o value.Members
	inside, name, text := false, "", ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return o.Object(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("the service answered with what is no XML: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == Capital(action)+"Result" {
				inside = true
			} else if inside {
				name, text = t.Name.Local, ""
			}
		case xml.CharData:
			text += string(t)
		case xml.EndElement:
			if t.Name.Local == Capital(action)+"Result" {
				inside = false
			} else if inside && t.Name.Local == name {
				o.Set(name, value.FromString(text))
				name = ""
			}
		}
	}
}
