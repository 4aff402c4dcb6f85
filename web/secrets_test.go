package web_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/tercel-workflows/tercel/web"
)

// Who reads the logs or the spans of a node learns no token of a callback URL or of an approval's link: it is all that it
// takes to answer.
func TestTokensStayOutOfLogsAndSpans(t *testing.T) {
	var logged bytes.Buffer
	spans := tracetest.NewInMemoryExporter()
	h := web.NewRouter(web.Config{
		Engine: newEngine(t, nil, ""), Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)),
	})
	const token = "AbCdEf0123456789"
	for _, c := range []struct{ method, path, shown string }{
		{http.MethodPost, "/callback/" + token + "/success", "/callback/{token}/success"},
		{http.MethodPost, "/callback/" + token + "/heartbeat", "/callback/{token}/heartbeat"},
		{http.MethodGet, "/callback/" + token + "/failure", "/callback/{token}/failure"},
		{http.MethodPost, "/callback/" + token, "/callback/{token}"},
		{http.MethodPost, "/callback/x/" + token + "/more", "/callback/{token}"},
		{http.MethodGet, "/approve/" + token, "/approve/{token}"},
		{http.MethodPost, "/approve/" + token, "/approve/{token}"},
		{http.MethodGet, "/approve/" + token + "/", "/approve/{token}"},
		{http.MethodGet, "/api/v1/executions", "/api/v1/executions"},
	} {
		logged.Reset()
		spans.Reset()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), c.method, "http://localhost"+c.path, nil))
		if text := logged.String(); strings.Contains(text, token) || !strings.Contains(text, "path="+c.shown+" ") {
			t.Errorf("%s %s is logged as %s", c.method, c.path, text)
		}
		found := false
		for _, span := range spans.GetSpans() {
			if strings.Contains(span.Name, token) {
				t.Errorf("%s %s has the span %s", c.method, c.path, span.Name)
			}
			for _, a := range span.Attributes {
				found = found || a.Key == "url.path" && a.Value.AsString() == c.shown
				if strings.Contains(a.Value.String(), token) {
					t.Errorf("%s %s has a span with %s %s", c.method, c.path, a.Key, a.Value.String())
				}
			}
		}
		if !found {
			t.Errorf("%s %s has no span with the path %s", c.method, c.path, c.shown)
		}
	}
}
