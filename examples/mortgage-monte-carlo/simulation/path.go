package simulation

import (
	"math"
	"math/rand/v2"
)

// Fate is how a mortgage ended.
type Fate int

// The fates of a mortgage.
const (
	Matured Fate = iota
	Prepaid
	Defaulted
)

// Mortgage is one simulated mortgage.
type Mortgage struct {
	Principal    float64
	PresentValue float64 // of all that was paid, at the start
	Fate         Fate
	Month        int // in which it ended, from 1
}

// Simulate gives the mortgage of a number. The same model, seed and number give the same mortgage, always.
func (m *Model) Simulate(seed, number uint64) Mortgage {
	random := rand.New(rand.NewPCG(mix(seed), mix(seed^mix(number+1))))
	between := func(low, high float64) float64 { return low + (high-low)*random.Float64() }

	principal := between(m.PrincipalMin, m.PrincipalMax)
	house := principal / between(m.LTVMin, m.LTVMax)
	payment := m.payment(principal)
	balance, short, discount, value := principal, m.ShortRate, 1.0, 0.0

	const year = 12
	sqrtMonth := math.Sqrt(1.0 / year)
	for month := 1; month <= m.Months; month++ {
		// Four draws a month, used or not, keep the path the same whatever the rates of default and prepayment are.
		rateShock, houseShock := random.NormFloat64(), random.NormFloat64()
		defaultDraw, prepayDraw := random.Float64(), random.Float64()

		discount /= 1 + (short+m.Spread)/year
		house *= math.Exp((m.HouseDrift-m.HouseVolatility*m.HouseVolatility/2)/year + m.HouseVolatility*sqrtMonth*houseShock)

		if defaultDraw < m.defaultChance(balance/house) {
			value += discount * math.Min(balance, house*(1-m.SaleCost))
			return Mortgage{principal, value, Defaulted, month}
		}
		balance = balance*(1+m.Rate/year) - payment
		value += discount * payment
		if month < m.Months && prepayDraw < m.prepayChance(short) {
			value += discount * balance
			return Mortgage{principal, value, Prepaid, month}
		}
		short += m.Reversion*(m.MeanRate-short)/year + m.RateVolatility*sqrtMonth*rateShock
	}
	return Mortgage{principal, value, Matured, m.Months}
}

// defaultChance gives the chance of default within a month at a loan-to-value.
func (m *Model) defaultChance(ltv float64) float64 {
	perYear := m.DefaultRate * math.Exp(m.DefaultLTV*math.Max(0, ltv-0.8))
	return 1 - math.Exp(-perYear/12)
}

// prepayChance gives the chance of prepayment within a month, which grows when a new mortgage would be cheaper.
func (m *Model) prepayChance(short float64) float64 {
	perYear := m.PrepaymentRate + m.PrepaymentIncentive*math.Max(0, m.Rate-(short+m.Spread))
	return 1 - math.Exp(-perYear/12)
}

// mix spreads a number over all 64 bits (the finalizer of SplitMix64), so that neighbouring numbers seed unrelated paths.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
