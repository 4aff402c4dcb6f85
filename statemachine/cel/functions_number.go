package cel

import (
	"math"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// numberFunctions take ints where cel-go's take doubles only, since JSON does not tell them apart.
var numberFunctions = []function{
	{name: "math.ceil", signatures: []string{"(int) int"}, do: rounding(math.Ceil)},
	{name: "math.floor", signatures: []string{"(int) int"}, do: rounding(math.Floor)},
	{name: "math.round", signatures: []string{"(int) int", "(double, int) double", "(int, int) double"}, do: round},
	{name: "math.trunc", signatures: []string{"(int) int"}, do: rounding(math.Trunc)},
	{name: "math.isNaN", signatures: []string{"(int) bool"}, do: classified(math.IsNaN)},
	{name: "math.isInf", signatures: []string{"(int) bool"}, do: classified(func(f float64) bool { return math.IsInf(f, 0) })},
	{name: "math.isFinite", signatures: []string{"(int) bool"}, do: classified(func(f float64) bool {
		return !math.IsNaN(f) && !math.IsInf(f, 0)
	})},
	{
		name: "math.pow", signatures: []string{"(double, double) double", "(int, int) double", "(int, double) double", "(double, int) double"},
		do: func(_ *run, args []ref.Val) ref.Val { return ofTwo(args, math.Pow) },
	},
	{name: "math.exp", signatures: []string{"(double) double", "(int) double"}, do: ofOne(math.Exp)},
	{name: "math.ln", signatures: []string{"(double) double", "(int) double"}, do: ofOne(math.Log)},
}

func rounding(f func(float64) float64) impl {
	return func(_ *run, args []ref.Val) ref.Val {
		switch v := args[0].(type) {
		case types.Int:
			return v
		case types.Double:
			return types.Double(f(float64(v)))
		}
		return types.NoSuchOverloadErr()
	}
}

// round rounds half away from zero, to an integer or to so many decimals.
func round(r *run, args []ref.Val) ref.Val {
	if len(args) == 1 {
		return rounding(math.Round)(r, args)
	}
	x, ok := number(args[0])
	decimals, isInt := integer(args[1])
	if !ok || !isInt {
		return types.NoSuchOverloadErr()
	}
	if decimals < 0 || decimals > 15 {
		return newFault("math.round() rounds to 0 to 15 decimals, not to %d", decimals)
	}
	scale := math.Pow10(int(decimals))
	if scaled := math.Round(x * scale); !math.IsInf(scaled, 0) {
		return types.Double(scaled / scale)
	}
	return types.Double(x) // so large that it has no decimals
}

func classified(f func(float64) bool) impl {
	return func(_ *run, args []ref.Val) ref.Val {
		x, ok := number(args[0])
		if !ok {
			return types.NoSuchOverloadErr()
		}
		return types.Bool(f(x))
	}
}

func ofOne(f func(float64) float64) impl {
	return func(_ *run, args []ref.Val) ref.Val {
		x, ok := number(args[0])
		if !ok {
			return types.NoSuchOverloadErr()
		}
		return types.Double(f(x))
	}
}

func ofTwo(args []ref.Val, f func(x, y float64) float64) ref.Val {
	x, ok1 := number(args[0])
	y, ok2 := number(args[1])
	if !ok1 || !ok2 {
		return types.NoSuchOverloadErr()
	}
	return types.Double(f(x, y))
}

var statisticsFunctions = []function{
	{name: "sum", signatures: []string{"(list(dyn)) dyn"}, do: sum},
	{name: "mean", signatures: []string{"(list(dyn)) double"}, do: overNumbers("mean", mean)},
	{name: "median", signatures: []string{"(list(dyn)) double"}, do: overNumbers("median", func(x []float64) float64 {
		return percentileOf(x, 50)
	})},
	{name: "stddev", signatures: []string{"(list(dyn)) double"}, do: overNumbers("stddev", stddev)},
	{name: "percentile", signatures: []string{"(list(dyn), dyn) double"}, do: percentile},
	{name: "histogram", signatures: []string{"(list(dyn), int) list(dyn)"}, do: histogram},
}

// sum adds up numbers: ints to an int, and to a double if one of them is a double. The sum of nothing is 0.
func sum(r *run, args []ref.Val) ref.Val {
	l, err := asList(args[0])
	if err != nil {
		return err
	}
	r.charge(l.len())
	total := ref.Val(types.IntZero)
	for i := range l.len() {
		v := cooked(l.at(i))
		if isError(v) {
			return v
		}
		if _, ok := number(v); !ok {
			return notNumber("sum", i, v)
		}
		if total = add(r, total, v); isError(total) {
			return total
		}
	}
	return total
}

func notNumber(name string, i int, v ref.Val) ref.Val {
	return newFault("%s() needs numbers, element %d is %s", name, i, describe(v))
}

// floats gives the numbers of a list that must not be empty.
func floats(r *run, name string, v ref.Val) ([]float64, ref.Val) {
	l, err := asList(v)
	if err != nil {
		return nil, err
	}
	if l.len() == 0 {
		return nil, newFault("%s() of an empty list", name)
	}
	r.charge(l.len())
	out := make([]float64, l.len())
	for i := range out {
		e := cooked(l.at(i))
		if isError(e) {
			return nil, e
		}
		x, ok := number(e)
		if !ok {
			return nil, notNumber(name, i, e)
		}
		out[i] = x
	}
	return out, nil
}

func overNumbers(name string, f func([]float64) float64) impl {
	return func(r *run, args []ref.Val) ref.Val {
		x, err := floats(r, name, args[0])
		if err != nil {
			return err
		}
		return types.Double(f(x))
	}
}

// mean does not overflow where the sum would.
func mean(x []float64) float64 {
	m := 0.0
	for i, v := range x {
		m += (v - m) / float64(i+1)
	}
	return m
}

// stddev is the standard deviation of a sample: its square is divided by n-1. That of a single number is 0.
func stddev(x []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	m, squares := mean(x), 0.0
	for _, v := range x {
		squares += (v - m) * (v - m)
	}
	return math.Sqrt(squares / float64(len(x)-1))
}

func percentile(r *run, args []ref.Val) ref.Val {
	x, err := floats(r, "percentile", args[0])
	if err != nil {
		return err
	}
	p, ok := number(args[1])
	if !ok || !(p >= 0 && p <= 100) {
		return newFault("a percentile is a number from 0 to 100, not %s", describe(args[1]))
	}
	r.charge(4 * len(x)) // sorting
	return types.Double(percentileOf(x, p))
}

// percentileOf interpolates between the two nearest ranks, as spreadsheets do. It sorts the numbers.
func percentileOf(x []float64, p float64) float64 {
	slices.Sort(x)
	rank := p / 100 * float64(len(x)-1)
	below := int(math.Floor(rank))
	if below >= len(x)-1 {
		return x[len(x)-1]
	}
	return x[below] + (rank-float64(below))*(x[below+1]-x[below])
}

// histogram counts numbers in bins of equal width: a list of {"from", "to", "count"}. The last bin includes its end.
func histogram(r *run, args []ref.Val) ref.Val {
	x, err := floats(r, "histogram", args[0])
	if err != nil {
		return err
	}
	bins, ok := integer(args[1])
	if !ok || bins < 1 || bins > 10_000 {
		return newFault("a histogram has 1 to 10,000 bins, not %s", describe(args[1]))
	}
	r.charge(8 * int(bins))
	low, high := slices.Min(x), slices.Max(x)
	width := (high - low) / float64(bins)
	if math.IsInf(width, 0) || math.IsNaN(width) {
		return newFault("histogram() needs finite numbers")
	}
	counts := make([]int, bins)
	for _, v := range x {
		i := 0
		if width > 0 {
			i = min(int((v-low)/width), int(bins)-1)
		}
		counts[i]++
	}
	out := emptyList(int(bins))
	for i, n := range counts {
		to := low + float64(i+1)*width
		if i == len(counts)-1 {
			to = high
		}
		bin := &object{}
		bin.put(types.String("from"), types.Double(low+float64(i)*width))
		bin.put(types.String("to"), types.Double(to))
		bin.put(types.String("count"), types.Int(n))
		out.push(bin)
	}
	return out
}
