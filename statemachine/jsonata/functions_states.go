package jsonata

import (
	"crypto/md5"  //nolint:gosec // one of the algorithms that the language has
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"

	"github.com/tercel-workflows/tercel/statemachine/value"
)

// stateFunctions are those that Step Functions adds to JSONata.
var stateFunctions = []definition{
	{"partition", "<an:a>", partition},
	{"range", "<nnn:a>", rangeFunction},
	{"hash", "<s-s:s>", hash},
	{"uuid", "<:s>", uuid},
	{"parse", "<s-:x>", parseJSON},
}

// Step Functions gives the results of $partition and $range as sequences: $range(1, 9, 9) is 1, not [1].

// partition cuts an array into arrays of a size, of which the last may be shorter.
func partition(r *run, args []any) any {
	a := asArray(args[0])
	size, ok := asNumber(args[1])
	if a == nil || !ok {
		return nil
	}
	if !integer(size) || size < 1 {
		r.failAt("T0410", size, 2)
	}
	out := newSequence()
	n := a.length()
	step := n
	if size < float64(n) {
		step = int(size)
	}
	for i := 0; i < n; i += step {
		part := &array{}
		r.room(min(step, n-i) + 3)
		for j := i; j < min(i+step, n); j++ {
			part.push(a.at(j))
		}
		out.push(part)
	}
	return out
}

// rangeFunction gives the numbers from a first to a last, both included, with a step between them.
func rangeFunction(r *run, args []any) any {
	var f [3]float64
	for i := range f {
		v, ok := asNumber(args[i])
		if !ok {
			return nil
		}
		if !integer(v) || i == 2 && v == 0 {
			r.failAt("T0410", v, i+1)
		}
		f[i] = v
	}
	first, last, step := f[0], f[1], f[2]
	size := (last-first)/step + 1
	if size > maxRange {
		r.fail("D2014", size)
	}
	out := newSequence()
	if size < 1 {
		return out
	}
	r.room(int(size))
	for i := range int(size) {
		out.push(first + float64(i)*step)
	}
	return out
}

func hash(r *run, args []any) any {
	s, ok := asText(args[0])
	if !ok {
		return nil
	}
	r.spend(len(s) / 16)
	data := []byte(s)
	var sum []byte
	switch name, _ := asText(args[1]); name {
	case "MD5":
		b := md5.Sum(data) //nolint:gosec // the caller's choice
		sum = b[:]
	case "SHA-1":
		b := sha1.Sum(data) //nolint:gosec // the caller's choice
		sum = b[:]
	case "SHA-256":
		b := sha256.Sum256(data)
		sum = b[:]
	case "SHA-384":
		b := sha512.Sum384(data)
		sum = b[:]
	case "SHA-512":
		b := sha512.Sum512(data)
		sum = b[:]
	default:
		r.failAt("T0410", args[1], 2)
	}
	return hex.EncodeToString(sum)
}

// uuid gives a random UUID, of version 4.
func uuid(r *run, _ []any) any {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], r.random())
	binary.BigEndian.PutUint64(b[8:], r.random())
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// parseJSON gives the value of a JSON text.
func parseJSON(r *run, args []any) any {
	s, ok := asText(args[0])
	if !ok {
		return nil
	}
	r.take(4 * len(s))
	v, err := value.Parse([]byte(s))
	if err != nil {
		raise(fault{code: "D3120", pos: positionOf(r.at), token: "parse", value: err.Error()})
	}
	return v
}
