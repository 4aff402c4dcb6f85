package engine

import (
	"errors"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, good := range []string{"a", "order-17", "Ümläut_9.x", strings.Repeat("ü", 80), "a'b(c)=d+e@f!"} {
		if err := checkName("execution", good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "a b", "a/b", "a:b", "a*", "\x00", "a\u200ab", "\xff", strings.Repeat("a", 81), "a{b", "tab\t"} {
		if err := checkName("execution", bad); !errors.Is(err, &Error{Code: CodeInvalidName}) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestExecutionRefs(t *testing.T) {
	for ref, want := range map[string][2]string{
		"orders/o-1": {"orders", "o-1"},
		"arn:aws:states:us-east-1:000000000000:execution:orders:o-1": {"orders", "o-1"},
		"arn:aws-cn:states:eu-1:123:execution:orders:o-1":            {"orders", "o-1"},
	} {
		machine, name, err := executionRef(ref)
		if err != nil || machine != want[0] || name != want[1] {
			t.Errorf("%s: %q, %q, %v", ref, machine, name, err)
		}
	}
	for ref, code := range map[string]Code{
		"orders": CodeExecutionDoesNotExist,
		"/":      CodeExecutionDoesNotExist,
		"arn:aws:states:us-east-1:000000000000:stateMachine:orders": CodeInvalidArn,
		"arn:aws:s3:::bucket": CodeInvalidArn,
		"arn:":                CodeInvalidArn,
	} {
		if _, _, err := executionRef(ref); !errors.Is(err, &Error{Code: code}) {
			t.Errorf("%s: %v, want %s", ref, err, code)
		}
	}
}

func TestFunctionNames(t *testing.T) {
	for resource, want := range map[string]string{
		"function:charge": "charge",
		"arn:aws:lambda:us-east-1:123456789012:function:charge":         "charge",
		"arn:aws:lambda:us-east-1:123456789012:function:charge:$LATEST": "charge",
	} {
		if name, ok := functionName(resource); !ok || name != want {
			t.Errorf("%s: %q, %v", resource, name, ok)
		}
	}
	for _, resource := range []string{"", "function:", "charge", "arn:aws:states:::lambda:invoke", "arn:aws:lambda:us-east-1:123456789012:layer:x"} {
		if name, ok := functionName(resource); ok {
			t.Errorf("%s stands for function %q", resource, name)
		}
	}
}
