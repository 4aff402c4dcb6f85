package awsapi

import (
	"regexp"
	"strings"
)

// Traces of AWS X-Ray and of the W3C have ids of the same sizes; X-Ray sets the time in front of its own apart:
//
//	Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
//	00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01
var (
	xrayRoot     = regexp.MustCompile(`^1-([0-9a-f]{8})-([0-9a-f]{24})$`)
	xrayParent   = regexp.MustCompile(`^[0-9a-f]{16}$`)
	w3cTraceText = regexp.MustCompile(`^00-([0-9a-f]{8})([0-9a-f]{24})-([0-9a-f]{16})-0([01])$`)
)

// traceParent gives the traceparent for a trace header of X-Ray, "" if it names no span.
func traceParent(header string) string {
	fields := map[string]string{}
	for part := range strings.SplitSeq(header, ";") {
		key, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[key] = strings.ToLower(v)
	}
	root := xrayRoot.FindStringSubmatch(fields["Root"])
	if root == nil || !xrayParent.MatchString(fields["Parent"]) {
		return ""
	}
	sampled := "00"
	if fields["Sampled"] == "1" {
		sampled = "01"
	}
	return "00-" + root[1] + root[2] + "-" + fields["Parent"] + "-" + sampled
}

// traceHeader is the inverse of traceParent, "" for what is no traceparent.
func traceHeader(parent string) string {
	m := w3cTraceText.FindStringSubmatch(parent)
	if m == nil {
		return ""
	}
	return "Root=1-" + m[1] + "-" + m[2] + ";Parent=" + m[3] + ";Sampled=" + m[4]
}
