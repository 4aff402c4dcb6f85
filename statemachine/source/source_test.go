package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tercel-workflows/tercel/internal/fuzzing"
	"github.com/tercel-workflows/tercel/statemachine/diag"
)

// findings gives the first line of each diagnostic.
func findings(list diag.List) string {
	var lines []string
	for _, d := range list {
		lines = append(lines, d.String())
	}
	return strings.Join(lines, "\n")
}

func mustParse(t *testing.T, file, text string) *Document {
	t.Helper()
	doc, list := Parse(file, []byte(text))
	if len(list) > 0 {
		t.Fatalf("parsing %q:\n%v", text, list)
	}
	return doc
}

func TestDetectsTheFormat(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"a.json", "\n  {\"a\": 1}", `{"a":1}`},
		{"a.yaml", "{\"a\": 1}", `{"a":1}`},
		{"", "\ufeff[1, 2]", `[1,2]`},
		{"a", "a: 1\r\nb: [x, 'y']\r\n", `{"a":1,"b":["x","y"]}`},
		{"a.yml", "\ufeffa: 1", `{"a":1}`},
		{"a.yaml", "a: |\r\n  x\r\n  y\r\n", `{"a":"x\ny\n"}`},
	} {
		if got := string(mustParse(t, c.file, c.text).Root.AppendJSON(nil)); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestYAMLScalars(t *testing.T) {
	for text, want := range map[string]string{
		"~": "null", "null": "null", "": "null", "NULL": "null",
		"true": "true", "False": "false", "yes": `"yes"`, "off": `"off"`, "y": `"y"`,
		"0": "0", "-0": "-0", "+12": "12", "0x1F": "31", "0o17": "15", "0b11": `"0b11"`,
		".5": "0.5", "-.5e3": "-0.5e3", "5.": "5.0", "5.e1": "5.0e1", "1e3": "1e3", "1E-400": "1E-400",
		"12345678901234567890123": "12345678901234567890123",
		"2024-01-01":              `"2024-01-01"`, "12:30": `"12:30"`, "1.2.3": `"1.2.3"`, "!!str 5": `"5"`, "!!int '5'": "5",
		"'5'": `"5"`, `"\x41\u00e9\U0001F600"`: `"Aé😀"`, "!!float 5": "5", "nan": `"nan"`, "=": `"="`, "<<": `"<<"`,
	} {
		if got := string(mustParse(t, "x.yaml", "a: "+text).Root.Get("a").AppendJSON(nil)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestJSONKeepsWhatIsWritten(t *testing.T) {
	for _, text := range []string{
		`[1e400,-0,1.10,123456789012345678901234567890,1E+2]`, `"\ud800 and \ud83d"`, `{"b":1,"a":{"":[]}}`, `"\u0000"`, `"é😀\\\""`,
	} {
		if got := string(mustParse(t, "x.json", text).Root.AppendJSON(nil)); got != text {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestPointersAndPlaces(t *testing.T) {
	for file, text := range map[string]string{
		"x.json": "{\n \"a/b\": {\"~\": [\n  \"é\", true]}}",
		"x.yaml": "\na/b: {\n \"~\": [\n  'é', true]}",
	} {
		n := mustParse(t, file, text).Root.Get("a/b").Get("~").Elems[1]
		if n.Pointer != "/a~1b/~0/1" || n.Pos.Line < 3 || n.Pos.Column != 8 {
			t.Errorf("%s: %s at %v", file, n.Pointer, n.Pos)
		}
	}
}

func TestMergeKeys(t *testing.T) {
	doc := mustParse(t, "x.yaml", `
base: &base {a: 1, b: {c: 2}}
more: &more {b: 3, d: 4}
one: {<<: *base, a: 5}
two:
  <<: [*base, *more]
  e: 6
`)
	if got, want := string(doc.Root.Get("one").AppendJSON(nil)), `{"a":5,"b":{"c":2}}`; got != want {
		t.Errorf("one: %s", got)
	}
	if got, want := string(doc.Root.Get("two").AppendJSON(nil)), `{"e":6,"a":1,"b":{"c":2},"d":4}`; got != want {
		t.Errorf("two: %s", got)
	}
	if got := doc.Root.Get("two").Get("b").Get("c"); got.Pointer != "/two/b/c" || got.Pos != (Pos{2, 27}) {
		t.Errorf("the merged value is at %s, %v", got.Pointer, got.Pos)
	}
}

func TestBrokenFiles(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth+1)
	for _, c := range []struct{ name, file, text, want string }{
		{"blank", "x.yaml", " \n\t\n", "x.yaml:1:1: error: the definition is empty [EMPTY_DEFINITION]"},
		{"latin-1", "x.yaml", "a: caf\xe9", "x.yaml:1:7: error: the file is not valid UTF-8 from here [INVALID_UTF8]"},
		{"latin-1 and more", "x.json", "{\"a\": \"\xe9\",}", "x.json:1:8: error: the file is not valid UTF-8 from here [INVALID_UTF8]\n" +
			"x.json:1:10: error: a comma stands behind the last value [INVALID_JSON]"},
		{"utf-16", "x.json", "\xff\xfe{\x00}\x00", "x.json:1:1: error: the file is encoded as UTF-16 (little endian) [INVALID_UTF8]"},
		{"utf-16 without mark", "x.json", "\x00{\x00}", "x.json:1:1: error: the file is encoded as UTF-16 (big endian) [INVALID_UTF8]"},
		{"large", "x.json", strings.Repeat(" ", MaxBytes+1), "x.json: error: the definition has 4194305 bytes, at most 4194304 are allowed [DEFINITION_TOO_LARGE]"},
		{"deep JSON", "x.json", deep, "x.json:1:201: error: the definition nests more than 200 deep [NESTED_TOO_DEEP]"},
		{"deep YAML", "x.yaml", "a: " + deep + strings.Repeat("]", MaxDepth+1), "x.yaml:1:203: error: the definition nests more than 200 deep [NESTED_TOO_DEEP]"},
		{"very deep YAML", "x.yaml", "a: " + strings.Repeat("[", 1<<20), "x.yaml:1:1: error: this is not valid YAML: exceeded max depth of 10000 [INVALID_YAML]"},
		{"no-break space", "x.json", "{\u00a0}", "x.json:1:2: error: a no-break space (U+00A0) stands between the values [INVALID_JSON]"},
		{"curly quotes", "x.json", "{“a”: 1}", "x.json:1:2: error: a string begins with “ [INVALID_JSON]"},
		{"control character", "x.json", "\"a\tb\"", "x.json:1:3: error: the control character U+0009 stands unescaped in a string [INVALID_JSON]"},
		{"zero byte", "x.yaml", "a: b\x00", "x.yaml:1:1: error: this is not valid YAML: control characters are not allowed [INVALID_YAML]"},
		{"nothing but a bracket", "x.json", "{", "x.json:1:2: error: the file ends before the object that began on line 1, column 1 is closed [INVALID_JSON]"},
		{"no value", "x.json", `{"a":}`, "x.json:1:6: error: a value is missing before this '}' [INVALID_JSON]"},
		{"cut off in a value", "x.json", `{"a":`, "x.json:1:6: error: the file ends where a value is expected [INVALID_JSON]"},
		{"cut off in a string", "x.json", `{"a\`, "x.json:1:2: error: the string is not closed [INVALID_JSON]"},
		{
			"number of a million digits", "x.yaml", "a: 0x" + strings.Repeat("f", 1<<20),
			"x.yaml:1:4: error: the number 0xffffffffffffffffffffffffffffffffffffff... is too long [YAML_VALUE_NOT_JSON]",
		},
		{"windows line ends", "x.yaml", "a: 1\r\nb: 1\r\na: 2\r\n", "x.yaml:3:1: error: \"a\" is written twice in the same object, first on line 1 [DUPLICATE_KEY]"},
		{"merge of itself", "x.yaml", "a: &a\n  <<: *a\n", "x.yaml:2:7: error: the alias *a contains itself [YAML_ALIAS]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, list := Parse(c.file, []byte(c.text))
			if diff := cmp.Diff(c.want, findings(list)); diff != "" {
				t.Error(diff)
			}
			if doc == nil {
				t.Error("no document")
			}
		})
	}
}

func TestFindingsAreBounded(t *testing.T) {
	for file, text := range map[string]string{
		"x.json": "[" + strings.Repeat("01,", 1000) + "1]",
		"x.yaml": "[" + strings.Repeat("01,", 1000) + "1]",
		"y.yaml": "a:\n" + strings.Repeat("- 01\n", 1000),
	} {
		if _, list := Parse(file, []byte(text)); len(list) != maxFindings {
			t.Errorf("%s has %d findings", file, len(list))
		}
	}
}

func TestLongLinesAreCut(t *testing.T) {
	doc, list := Parse("x.json", []byte(`["`+strings.Repeat("é", 500)+`", 01, "`+strings.Repeat("ü", 500)+"\"]"))
	if len(list) != 1 || doc.Root == nil {
		t.Fatal(list)
	}
	d := list[0]
	shown := []rune(d.Source)
	if d.Column != 506 || string(shown[d.SourceColumn-1:][:2]) != "01" || len(shown) > excerptFrom {
		t.Errorf("column %d shown at %d of %q", d.Column, d.SourceColumn, d.Source)
	}
}

func TestControlCharactersAreNotShown(t *testing.T) {
	_, list := Parse("x.json", []byte("[\"\x1b[2J\", 01]"))
	if strings.Contains(list.Error(), "\x1b") {
		t.Errorf("%q", list.Error())
	}
}

func TestInStringPointsToTheCharacter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab {%}'\"\\é😀\n\tx.&#:-"))).Draw(t, "text")
		way := rapid.SampledFrom([]string{"json", "escaped", "double", "single", "literal"}).Draw(t, "way")
		file, before, after := "x.json", `{"é": [1, "`, `"]}`
		var write func(r rune) string
		switch way {
		case "json":
			write = func(r rune) string { q, _ := json.Marshal(string(r)); return string(q[1 : len(q)-1]) }
		case "escaped":
			write = func(r rune) string {
				if r > 0xFFFF {
					return `\ud83d\ude00`
				}
				return fmt.Sprintf(`\u%04X`, r)
			}
		case "double":
			file, before, after = "x.yaml", "é:\n- 1\n- !!str &a \"", "\"\n"
			write = func(r rune) string { q, _ := json.Marshal(string(r)); return string(q[1 : len(q)-1]) }
		case "single":
			file, before, after = "x.yaml", "é: [1, &a '", "']\n"
			text = strings.ReplaceAll(text, "\n", "")
			write = func(r rune) string { return strings.ReplaceAll(string(r), "'", "''") }
		case "literal":
			file, before, after = "x.yaml", "é:\n- 1\n- &a |2-\n  ", "\n"
			text = "a" + text + "a"
			write = func(r rune) string { return strings.ReplaceAll(string(r), "\n", "\n  ") }
		}
		var b strings.Builder
		b.WriteString(before)
		places := make(map[int]int) // from the byte of the text to the byte of the file
		for i, r := range text {
			places[i] = b.Len()
			b.WriteString(write(r))
		}
		places[len(text)] = b.Len()
		b.WriteString(after)
		doc, list := Parse(file, []byte(b.String()))
		if len(list) > 0 {
			t.Fatalf("%q: %v", b.String(), list)
		}
		n := doc.Root.Members[0].Value.Elems[1]
		if n.Text != text {
			t.Fatalf("%q: read %q", b.String(), n.Text)
		}
		for at, place := range places {
			if got, want := doc.InString(n, at), doc.posAt(place); got != want {
				t.Fatalf("byte %d of %q in %q: %v, want %v", at, text, b.String(), got, want)
			}
		}
	})
}

func TestInStringOfYAMLBlocksAndFolds(t *testing.T) {
	for _, text := range []string{
		"a: |\n  one\n\n    two X\n  three",
		"a: |-\n\n\n   one\n   tXo\n",
		"a: |1+\n   one\n  X two\n\n\n",
		"a: &b !!str |  # a comment\n  one\n  X\n",
		"a: >\n  one\n  two\n\n  three\n    four\n  fiXve\n",
		"a: >-\n\n  one X\n",
		"a: >1\n   one\n  two\n  X\n",
		"a: one\n  two   \n\n  threXe",
		"a: &b one\n  X",
		"a: 'one\n  two ''\n\n\n  threXe'",
		"a: \"one\\\n    \\  two \\x41\\n\n  \\u00e9thrXe\"",
		"a: \"one\\\n    X\"",
		"? a\n: X",
		"a:\n  X",
		"[one, {a: foo X}]",
	} {
		doc, list := Parse("x.yaml", []byte(text))
		if len(list) > 0 {
			t.Errorf("%q: %v", text, list)
			continue
		}
		n := doc.Root.Get("a")
		if doc.Root.Kind == Array {
			n = doc.Root.Elems[1].Get("a")
		}
		at := strings.Index(n.Text, "X")
		if got, want := doc.InString(n, at), doc.posAt(strings.Index(text, "X")); at < 0 || got != want {
			t.Errorf("%q, read as %q: %v, want %v", text, n.Text, got, want)
		}
	}
}

func TestInStringFallsBackToTheNode(t *testing.T) {
	doc := mustParse(t, "x.yaml", "a: text\nb: 5\n")
	for _, at := range []int{-1, 5} {
		if got := doc.InString(doc.Root.Get("a"), at); got != (Pos{1, 4}) {
			t.Errorf("byte %d: %v", at, got)
		}
	}
	if got := doc.InString(doc.Root.Get("b"), 0); got != (Pos{2, 4}) {
		t.Errorf("a number: %v", got)
	}
}

// sameTree checks that what a tree prints is read as the same tree.
func sameTree(t *testing.T, root *Node) {
	t.Helper()
	printed := root.AppendJSON(nil)
	if !json.Valid(printed) {
		t.Fatalf("printed %q", printed)
	}
	again, list := Parse("again.json", printed)
	if list.HasErrors() {
		if list[0].Code == CodeTooLarge {
			return
		}
		t.Fatalf("printed %q: %v", printed, list)
	}
	if diff := cmp.Diff(root, again.Root, cmpopts.IgnoreUnexported(Node{}), cmpopts.IgnoreTypes(Pos{}), cmpopts.EquateEmpty()); diff != "" {
		t.Fatal(diff)
	}
	if !bytes.Equal(printed, again.Root.AppendJSON(nil)) {
		t.Fatalf("printed %q, then %q", printed, again.Root.AppendJSON(nil))
	}
}

func fuzz(f *testing.F, file string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	bound := fuzzing.Bound(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		defer bound(string(data))()
		doc, list := Parse(file, data)
		if doc.Root == nil {
			if !list.HasErrors() {
				t.Fatal("neither a tree nor an error")
			}
			return
		}
		if list.Error() != "" && !list.HasErrors() {
			t.Fatal(list)
		}
		if !list.HasErrors() {
			sameTree(t, doc.Root)
		}
		walk(doc.Root, func(n *Node) {
			for i := 0; i <= min(len(n.Text), 50); i++ {
				if p := doc.InString(n, i); p.Line < 1 || p.Line > len(doc.lines) || p.Column < 1 {
					t.Fatalf("byte %d of %q is at %v", i, n.Text, p)
				}
			}
		})
	})
}

func walk(n *Node, visit func(*Node)) {
	visit(n)
	for _, e := range n.Elems {
		walk(e, visit)
	}
	for _, m := range n.Members {
		walk(m.Value, visit)
	}
}

func FuzzJSON(f *testing.F) {
	fuzz(f, "x.json", `{"a": [1, -2.5e3, "\u00e9\ud83d\ude00", true, null], "a": {}}`, `{'a': True, // x`+"\n b: 01,}", `["\ud800"`)
}

func FuzzYAML(f *testing.F) {
	fuzz(f, "x.yaml", "a: &x [1, 0x1F, yes, .5]\nb: *x\nc: {<<: {d: 1}}\n", "a: |\n  x\n\n  y\nb: >-\n  x\n  y\n", "a: \"x\\\n  y\"\n---\nb: 'z'",
		"a: &a [*a]", "? [a]\n: b", "%YAML 1.2\n---\n!!str x", "? A",
		"A: |\n 00\n\n 00\nB: >\n  000  0  \n#")
}
