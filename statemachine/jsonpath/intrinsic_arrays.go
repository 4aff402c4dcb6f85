package jsonpath

import (
	"crypto/md5"  //nolint:gosec // the language offers it
	"crypto/sha1" //nolint:gosec // the language offers it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// The limits that the service sets to its functions.
const (
	maxRange = 1_000  // elements that States.ArrayRange gives
	maxText  = 10_000 // characters that are encoded, decoded and hashed
)

func array(_ *run, args []*value.Value) (*value.Value, error) { return value.FromArray(args), nil }

// arrayPartition cuts an array into chunks; the last one may be shorter.
func arrayPartition(_ *run, args []*value.Value) (*value.Value, error) {
	size, ok := integer(args[1])
	if args[0].Kind() != value.Array || !ok || size < 1 {
		return nil, nil
	}
	elems := args[0].Elems()
	chunks := []*value.Value{}
	for len(elems) > 0 {
		n := min(int(size), len(elems))
		chunks = append(chunks, value.FromArray(elems[:n:n]))
		elems = elems[n:]
	}
	return value.FromArray(chunks), nil
}

func arrayContains(_ *run, args []*value.Value) (*value.Value, error) {
	if args[0].Kind() != value.Array {
		return nil, nil
	}
	wanted := string(appendKey(nil, args[1]))
	for _, e := range args[0].Elems() {
		if e.Kind() == args[1].Kind() && string(appendKey(nil, e)) == wanted {
			return value.TrueValue, nil
		}
	}
	return value.FalseValue, nil
}

// arrayRange counts from the first argument to the second, which is part of the range.
func arrayRange(_ *run, args []*value.Value) (*value.Value, error) {
	start, ok1 := integer(args[0])
	end, ok2 := integer(args[1])
	by, ok3 := integer(args[2])
	if !ok1 || !ok2 || !ok3 || by == 0 {
		return nil, nil
	}
	elems := []*value.Value{}
	for n := start; (by > 0 && n <= end) || (by < 0 && n >= end); n += by {
		if len(elems) == maxRange {
			return nil, nil
		}
		elems = append(elems, value.FromInt(n))
	}
	return value.FromArray(elems), nil
}

func arrayGetItem(_ *run, args []*value.Value) (*value.Value, error) {
	i, ok := integer(args[1])
	if args[0].Kind() != value.Array || !ok || i < 0 || i >= int64(args[0].Len()) {
		return nil, nil
	}
	return args[0].At(int(i)), nil
}

func arrayLength(_ *run, args []*value.Value) (*value.Value, error) {
	if args[0].Kind() != value.Array {
		return nil, nil
	}
	return value.FromInt(int64(args[0].Len())), nil
}

// arrayUnique keeps the first of equal elements.
func arrayUnique(_ *run, args []*value.Value) (*value.Value, error) {
	if args[0].Kind() != value.Array {
		return nil, nil
	}
	seen := make(map[string]bool, args[0].Len())
	elems := []*value.Value{}
	var key []byte
	for _, e := range args[0].Elems() {
		if key = appendKey(key[:0], e); !seen[string(key)] {
			seen[string(key)] = true
			elems = append(elems, e)
		}
	}
	return value.FromArray(elems), nil
}

// stringSplit cuts text at every character that is in the second argument, and drops what is empty.
func stringSplit(_ *run, args []*value.Value) (*value.Value, error) {
	if args[0].Kind() != value.String || args[1].Kind() != value.String {
		return nil, nil
	}
	at := args[1].Text()
	elems := []*value.Value{}
	for part := range strings.FieldsFuncSeq(args[0].Text(), func(r rune) bool { return strings.ContainsRune(at, r) }) {
		elems = append(elems, value.FromString(part))
	}
	return value.FromArray(elems), nil
}

// shortText gives text that is not too long to be encoded, decoded or hashed.
func shortText(v *value.Value) (string, bool) {
	text := v.Text()
	return text, v.Kind() == value.String && utf8.RuneCountInString(text) <= maxText
}

func base64Encode(_ *run, args []*value.Value) (*value.Value, error) {
	text, ok := shortText(args[0])
	if !ok {
		return nil, nil
	}
	return value.FromString(base64.StdEncoding.EncodeToString([]byte(text))), nil
}

// base64Decode takes text with or without padding. What is not UTF-8 in the result is replaced.
func base64Decode(_ *run, args []*value.Value) (*value.Value, error) {
	text, ok := shortText(args[0])
	if !ok || strings.ContainsAny(text, "\r\n") {
		return nil, nil
	}
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(text, "=") {
		encoding = base64.StdEncoding
	}
	decoded, err := encoding.DecodeString(text)
	if err != nil {
		return nil, nil //nolint:nilerr // the service does not say what is wrong with the text
	}
	return value.FromString(string(decoded)), nil
}

// hashAlgorithms are the values of the second argument of States.Hash.
var hashAlgorithms = map[string]func() hash.Hash{
	"MD5": md5.New, "SHA-1": sha1.New, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New,
}

// hashText gives the digest of text in hexadecimal.
func hashText(_ *run, args []*value.Value) (*value.Value, error) {
	text, ok := shortText(args[0])
	algorithm := hashAlgorithms[args[1].Text()]
	if !ok || algorithm == nil {
		return nil, nil
	}
	h := algorithm()
	h.Write([]byte(text))
	return value.FromString(hex.EncodeToString(h.Sum(nil))), nil
}
