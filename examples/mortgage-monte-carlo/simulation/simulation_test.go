package simulation

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// risky is a model in which everything happens.
var risky = Model{
	Months: 360, Rate: 0.055, PrincipalMin: 120_000, PrincipalMax: 480_000, LTVMin: 0.6, LTVMax: 0.95,
	ShortRate: 0.035, MeanRate: 0.035, Reversion: 0.15, RateVolatility: 0.01, Spread: 0.018,
	HouseDrift: 0.02, HouseVolatility: 0.13, DefaultRate: 0.003, DefaultLTV: 6, SaleCost: 0.1,
	PrepaymentRate: 0.05, PrepaymentIncentive: 8,
}

// TestAnnuity compares a mortgage to which nothing happens with the closed form of an annuity.
func TestAnnuity(t *testing.T) {
	for _, months := range []int{1, 12, 180, 360} {
		for _, yield := range []float64{0.01, 0.05, 0.09} {
			m := Model{
				Months: months, Rate: 0.05, PrincipalMin: 200_000, PrincipalMax: 200_000, LTVMin: 0.8, LTVMax: 0.8,
				ShortRate: yield - 0.01, MeanRate: yield - 0.01, Spread: 0.01,
			}
			i, n := yield/12, float64(months)
			payment := 200_000 * (0.05 / 12) / (1 - math.Pow(1+0.05/12, -n))
			want := payment * (1 - math.Pow(1+i, -n)) / i
			got := m.Simulate(1, 7)
			if math.Abs(got.PresentValue-want) > 1e-6 || got.Fate != Matured || got.Month != months {
				t.Errorf("%d months at %g: got %+v, want a present value of %.8f", months, yield, got, want)
			}
		}
	}
}

// TestParAtOwnRate: discounted at its own rate a mortgage is worth its principal, prepaid or not.
func TestParAtOwnRate(t *testing.T) {
	m := Model{
		Months: 240, Rate: 0.04, PrincipalMin: 100_000, PrincipalMax: 300_000, LTVMin: 0.5, LTVMax: 0.5,
		ShortRate: 0.03, MeanRate: 0.03, Spread: 0.01, PrepaymentRate: 0.2,
	}
	s := m.Batch(3, 0, 500)
	if s.Prepaid < 400 {
		t.Errorf("%d of 500 were prepaid, want nearly all", s.Prepaid)
	}
	if s.MinLoss != 0 || s.MaxLoss != 0 {
		t.Errorf("losses are from %d to %d ppm, want 0", s.MinLoss, s.MaxLoss)
	}
}

// TestSurvival compares the shares of defaults and prepayments at constant rates with the closed form of competing risks.
func TestSurvival(t *testing.T) {
	m := Model{
		Months: 120, Rate: 0.05, PrincipalMin: 1e5, PrincipalMax: 1e5, LTVMin: 0.5, LTVMax: 0.5,
		ShortRate: 0.05, MeanRate: 0.05, DefaultRate: 0.02, PrepaymentRate: 0.1,
	}
	const n = 40_000
	s := m.Batch(11, 0, n)
	pd, pp := 1-math.Exp(-0.02/12), 1-math.Exp(-0.1/12)
	alive, defaulted, prepaid := 1.0, 0.0, 0.0
	for month := 1; month <= 120; month++ {
		defaulted += alive * pd
		alive *= 1 - pd
		if month < 120 {
			prepaid += alive * pp
			alive *= 1 - pp
		}
	}
	for _, c := range []struct {
		name      string
		got, want float64
	}{{"defaulted", float64(s.Defaulted) / n, defaulted}, {"prepaid", float64(s.Prepaid) / n, prepaid}} {
		if sigma := math.Sqrt(c.want * (1 - c.want) / n); math.Abs(c.got-c.want) > 5*sigma {
			t.Errorf("%s: %g, want %g, give or take %g", c.name, c.got, c.want, 5*sigma)
		}
	}
}

// TestAnyBatching gives the same run, to the last digit, however it is cut.
func TestAnyBatching(t *testing.T) {
	const n = 600
	want := risky.Batch(42, 0, n)
	if want.Defaulted == 0 || want.Prepaid == 0 || want.MinLoss == want.MaxLoss {
		t.Fatalf("nothing happens in this model: %+v", want)
	}
	for _, size := range []int{1, 7, 100, 599} {
		var parts []Summary
		for first := 0; first < n; first += size {
			parts = append(parts, risky.Batch(42, uint64(first), min(size, n-first)))
		}
		slices.Reverse(parts) // results arrive in any order
		var got Summary
		for _, p := range parts {
			text, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			var back Summary
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if err := back.Validate(); err != nil {
				t.Fatal(err)
			}
			got.Merge(back)
		}
		if got.LossSquared.Cmp(want.LossSquared) != 0 {
			t.Errorf("batches of %d: the squares add up to %s, want %s", size, got.LossSquared, want.LossSquared)
		}
		got.LossSquared = want.LossSquared
		if !reflect.DeepEqual(got, want) {
			t.Errorf("batches of %d: got %+v, want %+v", size, got, want)
		}
	}
	if other := risky.Batch(43, 0, n); other.Loss == want.Loss {
		t.Error("another seed gives the same losses")
	}
}

// TestReport compares the measures with those of the sorted losses.
func TestReport(t *testing.T) {
	const n = 5_000
	losses := make([]float64, n)
	for i := range losses {
		g := risky.Simulate(5, uint64(i))
		losses[i] = 100 * (g.Principal - g.PresentValue) / g.Principal
	}
	s := risky.Batch(5, 0, n)
	r, err := s.Report()
	if err != nil {
		t.Fatal(err)
	}
	var mean, m2 float64
	for i, l := range losses {
		d := l - mean
		mean += d / float64(i+1)
		m2 += d * (l - mean)
	}
	slices.Sort(losses)
	shortfall := func(from int) (sum float64) {
		for _, l := range losses[from:] {
			sum += l / float64(n-from)
		}
		return sum
	}
	for _, c := range []struct {
		name                string
		got, want, accuracy float64
	}{
		{"mean", r.MeanLoss, mean, 1e-4},
		{"standard error", r.StandardError, math.Sqrt(m2 / (n - 1) / n), 1e-4},
		{"value at risk 95", r.ValueAtRisk95, losses[n*95/100], r.Resolution},
		{"value at risk 99", r.ValueAtRisk99, losses[n*99/100], r.Resolution},
		{"expected shortfall 95", r.ExpectedLoss95, shortfall(n * 95 / 100), r.Resolution},
		{"expected shortfall 99", r.ExpectedLoss99, shortfall(n * 99 / 100), r.Resolution},
		{"worst", r.WorstLoss, losses[n-1], 1e-4},
	} {
		if math.Abs(c.got-c.want) > c.accuracy {
			t.Errorf("%s is %g, want %g, give or take %g", c.name, c.got, c.want, c.accuracy)
		}
	}
	if r.ValueAtRisk99 <= r.ValueAtRisk95 || r.ExpectedLoss95 <= r.ValueAtRisk95 {
		t.Errorf("the tail is out of order: %+v", r)
	}
}

func TestCharts(t *testing.T) {
	s := risky.Batch(5, 0, 2_000)
	r, err := s.Report()
	if err != nil {
		t.Fatal(err)
	}
	var text, svg strings.Builder
	if err := r.WriteText(&text, 100); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2000 mortgages", "value at risk", "◀ VaR 99 %", "█"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the chart lacks %q:\n%s", want, text.String())
		}
	}
	if !strings.HasPrefix(svg.String(), "<svg ") || strings.Count(svg.String(), "<rect ") < 20 {
		t.Errorf("not a picture of a histogram:\n%s", svg.String())
	}
	var counted int64
	for _, c := range r.columns(24) {
		counted += c.count
	}
	if counted != 2_000 {
		t.Errorf("the bars count %d mortgages, want 2000", counted)
	}
}

func TestBadInput(t *testing.T) {
	for name, change := range map[string]func(*Model){
		"months":      func(m *Model) { m.Months = 0 },
		"rate":        func(m *Model) { m.Rate = 5.5 },
		"principal":   func(m *Model) { m.PrincipalMin = 1e6 },
		"sale_cost":   func(m *Model) { m.SaleCost = 2 },
		"default_ltv": func(m *Model) { m.DefaultLTV = -1 },
	} {
		m := risky
		change(&m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	s := Summary{Count: 3, LossSquared: new(big.Int), Bins: []int64{1}}
	if s.Validate() == nil {
		t.Error("a summary whose histogram does not add up is taken")
	}
	if _, err := new(Summary).Report(); err == nil {
		t.Error("a report of nothing is given")
	}
}
