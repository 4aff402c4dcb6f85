package simulation

import (
	"errors"
	"math"
	"math/big"
	"slices"
)

// Report is the result of a run. Losses are in per cent of the principal.
type Report struct {
	Mortgages       int64   `json:"mortgages"`
	DefaultedShare  float64 `json:"defaulted_share"` // of the mortgages
	PrepaidShare    float64 `json:"prepaid_share"`
	Principal       float64 `json:"principal"`     // lent in all
	PresentValue    float64 `json:"present_value"` // of all that was paid back
	MeanLoss        float64 `json:"mean_loss"`
	StandardError   float64 `json:"standard_error"`   // of the mean loss
	ValueAtRisk95   float64 `json:"value_at_risk_95"` // the loss that 95 % of the mortgages stay within
	ValueAtRisk99   float64 `json:"value_at_risk_99"`
	ExpectedLoss95  float64 `json:"expected_shortfall_95"` // the mean of the losses beyond the value at risk
	ExpectedLoss99  float64 `json:"expected_shortfall_99"`
	WorstLoss       float64 `json:"worst_loss"`
	Resolution      float64 `json:"resolution"` // how exact value at risk and expected shortfall are: a bin's width
	HistogramFrom   float64 `json:"histogram_from"`
	HistogramCounts []int64 `json:"histogram"` // by bins of Resolution, from HistogramFrom on
}

const perCent = ppm / 100

// Report gives the measures of a summary.
func (s *Summary) Report() (Report, error) {
	if s.Count == 0 {
		return Report{}, errors.New("no mortgages were simulated")
	}
	n := float64(s.Count)
	r := Report{
		Mortgages: s.Count, DefaultedShare: float64(s.Defaulted) / n, PrepaidShare: float64(s.Prepaid) / n,
		Principal: float64(s.Principal) / 100, PresentValue: float64(s.PresentValue) / 100,
		MeanLoss: float64(s.Loss) / n / perCent, StandardError: s.standardError() / perCent,
		WorstLoss: float64(s.MaxLoss) / perCent, Resolution: float64(BinWidth) / perCent,
		HistogramFrom: float64(s.FirstBin*BinWidth) / perCent, HistogramCounts: s.Bins,
	}
	r.ValueAtRisk95, r.ExpectedLoss95 = s.tail(0.95)
	r.ValueAtRisk99, r.ExpectedLoss99 = s.tail(0.99)
	return r, nil
}

// standardError gives sqrt(variance / n), the variance from n*sum(x²) - sum(x)², which is exact in integers.
func (s *Summary) standardError() float64 {
	if s.Count < 2 {
		return 0
	}
	n, sum := big.NewInt(s.Count), big.NewInt(s.Loss)
	spread := new(big.Int).Mul(n, s.LossSquared)
	spread.Sub(spread, sum.Mul(sum, sum))
	f, _ := new(big.Float).SetInt(spread).Float64()
	count := float64(s.Count)
	return math.Sqrt(f / (count * (count - 1)) / count)
}

// tail gives the value at risk and the expected shortfall at a level, in per cent. Within a bin losses count as spread
// evenly.
func (s *Summary) tail(level float64) (valueAtRisk, shortfall float64) {
	beyond := (1 - level) * float64(s.Count) // how many losses the tail has; not a whole number
	left, total := beyond, 0.0
	for i, count := range slices.Backward(s.Bins) {
		in := float64(count)
		low := float64((s.FirstBin + int64(i)) * BinWidth)
		if in < left {
			left -= in
			total += in * (low + BinWidth/2)
			continue
		}
		// The tail ends in this bin: it takes the upper part of it.
		part := BinWidth * left / in
		cut := low + BinWidth - part
		total += left * (cut + part/2)
		return cut / perCent, total / beyond / perCent
	}
	return float64(s.MinLoss) / perCent, total / beyond / perCent
}
