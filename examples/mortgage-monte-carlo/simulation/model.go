// Package simulation prices mortgages by Monte Carlo: each simulated mortgage lives through its own path of interest
// rates and house prices, may default or be prepaid in any month, and is worth its cash flows, discounted along its path.
//
// Everything that a simulated mortgage does follows from the seed of the run and the mortgage's own number, so that any
// way of cutting a run into batches, on any number of machines, gives the same mortgages; and all totals are integers,
// so that merging the batches gives the same result to the last digit.
package simulation

import (
	"errors"
	"fmt"
	"math"
)

// Model says what is simulated. Rates are per year, as fractions: 0.05 is 5 %.
type Model struct {
	Months       int     `json:"months"`        // the term of each mortgage
	Rate         float64 `json:"rate"`          // the fixed rate that the borrower pays
	PrincipalMin float64 `json:"principal_min"` // principals are spread evenly between these
	PrincipalMax float64 `json:"principal_max"`
	LTVMin       float64 `json:"ltv_min"` // and so is the loan-to-value at the start
	LTVMax       float64 `json:"ltv_max"`

	ShortRate      float64 `json:"short_rate"`      // at the start
	MeanRate       float64 `json:"mean_rate"`       // where the short rate tends to (Vasicek)
	Reversion      float64 `json:"reversion"`       // how fast it does
	RateVolatility float64 `json:"rate_volatility"` // of the short rate
	Spread         float64 `json:"spread"`          // of the discount rate and of new mortgages over the short rate

	HouseDrift      float64 `json:"house_drift"`      // expected growth of house prices
	HouseVolatility float64 `json:"house_volatility"` // of a single house

	DefaultRate float64 `json:"default_rate"` // of a borrower whose house is worth more than the loan
	DefaultLTV  float64 `json:"default_ltv"`  // how the rate grows with each 100 % of loan-to-value above 80 %: times e^this
	SaleCost    float64 `json:"sale_cost"`    // lost of the house's price when it is sold after a default

	PrepaymentRate      float64 `json:"prepayment_rate"`      // whatever rates do: people move
	PrepaymentIncentive float64 `json:"prepayment_incentive"` // more of it for each 100 % that a new mortgage is cheaper
}

// Validate says which parameter makes no sense.
func (m *Model) Validate() error {
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	need(m.Months >= 1 && m.Months <= 600, "months must be from 1 to 600, not %d", m.Months)
	need(m.Rate >= 0 && m.Rate < 1, "rate must be from 0 to below 1 (0.05 is 5 %%), not %g", m.Rate)
	need(m.PrincipalMin > 0 && m.PrincipalMin <= m.PrincipalMax && m.PrincipalMax <= 1e9,
		"principal_min and principal_max must be in order and above 0, not %g and %g", m.PrincipalMin, m.PrincipalMax)
	need(m.LTVMin > 0 && m.LTVMin <= m.LTVMax, "ltv_min and ltv_max must be in order and above 0, not %g and %g",
		m.LTVMin, m.LTVMax)
	for name, v := range map[string]float64{
		"reversion": m.Reversion, "rate_volatility": m.RateVolatility, "house_volatility": m.HouseVolatility,
		"default_rate": m.DefaultRate, "default_ltv": m.DefaultLTV, "prepayment_rate": m.PrepaymentRate,
		"prepayment_incentive": m.PrepaymentIncentive,
	} {
		need(v >= 0, "%s must not be negative, and is %g", name, v)
	}
	need(m.SaleCost >= 0 && m.SaleCost <= 1, "sale_cost must be from 0 to 1, not %g", m.SaleCost)
	return errors.Join(problems...)
}

// payment gives the level monthly payment that amortizes a principal.
func (m *Model) payment(principal float64) float64 {
	i := m.Rate / 12
	if i == 0 {
		return principal / float64(m.Months)
	}
	return principal * i / (1 - math.Pow(1+i, -float64(m.Months)))
}
