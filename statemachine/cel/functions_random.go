package cel

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// randomFunctions draw from the scope, so that the same decision draws the same numbers again. With a seed they give
// always the same: random(1) is one number, and random(2) another that has nothing to do with it.
var randomFunctions = []function{
	{name: "uuid", signatures: []string{"() string"}, do: uuid},
	{name: "random", signatures: []string{"() double", "(int) double"}, do: random},
	{name: "randomInt", signatures: []string{"(int, int) int", "(int, int, int) int"}, do: randomInt},
}

// draw gives random bits.
func (r *run) draw() (uint64, ref.Val) {
	if r.scope.Random == nil {
		return 0, newFault("there are no random numbers here")
	}
	return r.scope.Random(), nil
}

// drawn gives random bits, or those of the seed if there is one.
func (r *run) drawn(seed []ref.Val) (uint64, ref.Val) {
	if len(seed) == 0 {
		return r.draw()
	}
	s, ok := integer(seed[0])
	if !ok {
		return 0, newFault("a seed is an int, not %s", describe(seed[0]))
	}
	return mix(uint64(s)), nil
}

// mix makes well-mixed bits of a seed; it is the finisher of SplitMix64, by Vigna.
func mix(seed uint64) uint64 {
	z := seed + 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// uuid gives a random UUID, of version 4.
func uuid(r *run, _ []ref.Val) ref.Val {
	high, failed := r.draw()
	if failed != nil {
		return failed
	}
	low, failed := r.draw()
	if failed != nil {
		return failed
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], high)
	binary.BigEndian.PutUint64(b[8:], low)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return types.String(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}

// random gives a double from 0 to 1, without 1.
func random(r *run, args []ref.Val) ref.Val {
	drawn, failed := r.drawn(args)
	if failed != nil {
		return failed
	}
	return types.Double(float64(drawn>>11) / (1 << 53))
}

// randomInt gives an int from start to end, without the end.
func randomInt(r *run, args []ref.Val) ref.Val {
	start, ok1 := integer(args[0])
	last, ok2 := integer(args[1])
	if !ok1 || !ok2 {
		return newFault("randomInt() needs ints, not %s and %s", describe(args[0]), describe(args[1]))
	}
	if last <= start {
		return newFault("randomInt(%d, %d): the end must be above the start", start, last)
	}
	drawn, failed := r.drawn(args[2:])
	if failed != nil {
		return failed
	}
	// The high half of the product spreads the bits over the span; the bias is below 2^-64 of the span.
	offset, _ := bits.Mul64(drawn, uint64(last)-uint64(start))
	return types.Int(uint64(start) + offset)
}
