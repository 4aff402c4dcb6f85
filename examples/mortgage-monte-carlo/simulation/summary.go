package simulation

import (
	"errors"
	"fmt"
	"math"
	"math/big"
)

// ppm is the unit of losses: a millionth of the principal.
const ppm = 1_000_000

// BinWidth is the width of a bin of the histogram, in millionths of the principal: half a per cent.
const BinWidth = 5_000

// Summary is what is kept of many mortgages. Two summaries merge into that of all their mortgages, and since everything
// in them is an integer, in any order and grouping to the same result.
//
// A loss is what the lender is short of the principal, in millionths of it: 250000 is a quarter of the loan.
type Summary struct {
	Count        int64    `json:"count"`
	Defaulted    int64    `json:"defaulted"`
	Prepaid      int64    `json:"prepaid"`
	Principal    int64    `json:"principal"`     // in cents
	PresentValue int64    `json:"present_value"` // in cents
	Loss         int64    `json:"loss"`          // sum of the losses
	LossSquared  *big.Int `json:"loss_squared"`  // sum of their squares, which outgrows 64 bits
	MinLoss      int64    `json:"min_loss"`
	MaxLoss      int64    `json:"max_loss"`
	FirstBin     int64    `json:"first_bin"` // bin i holds losses from i*BinWidth up to (i+1)*BinWidth
	Bins         []int64  `json:"bins"`      // how many losses are in FirstBin and in those after it
}

// Batch simulates the mortgages numbered from first on.
func (m *Model) Batch(seed, first uint64, count int) Summary {
	s := Summary{LossSquared: new(big.Int)}
	for i := range uint64(count) {
		s.add(m.Simulate(seed, first+i))
	}
	return s
}

func (s *Summary) add(g Mortgage) {
	loss := int64(math.Round((g.Principal - g.PresentValue) / g.Principal * ppm))
	one := Summary{
		Count: 1, Principal: int64(math.Round(g.Principal * 100)), PresentValue: int64(math.Round(g.PresentValue * 100)),
		Loss: loss, LossSquared: big.NewInt(loss), MinLoss: loss, MaxLoss: loss,
		FirstBin: floorDiv(loss, BinWidth), Bins: []int64{1},
	}
	one.LossSquared.Mul(one.LossSquared, one.LossSquared)
	switch g.Fate {
	case Defaulted:
		one.Defaulted = 1
	case Prepaid:
		one.Prepaid = 1
	case Matured:
	}
	s.Merge(one)
}

// Merge takes the mortgages of another summary in.
func (s *Summary) Merge(o Summary) {
	if o.Count == 0 {
		return
	}
	if s.Count == 0 {
		s.MinLoss, s.MaxLoss, s.FirstBin = o.MinLoss, o.MaxLoss, o.FirstBin
	}
	if s.LossSquared == nil {
		s.LossSquared = new(big.Int)
	}
	s.Count += o.Count
	s.Defaulted += o.Defaulted
	s.Prepaid += o.Prepaid
	s.Principal += o.Principal
	s.PresentValue += o.PresentValue
	s.Loss += o.Loss
	s.LossSquared.Add(s.LossSquared, o.LossSquared)
	s.MinLoss = min(s.MinLoss, o.MinLoss)
	s.MaxLoss = max(s.MaxLoss, o.MaxLoss)
	s.growTo(o.FirstBin, o.FirstBin+int64(len(o.Bins))-1)
	for i, n := range o.Bins {
		s.Bins[o.FirstBin+int64(i)-s.FirstBin] += n
	}
}

// growTo makes room for the bins from first to last.
func (s *Summary) growTo(first, last int64) {
	if len(s.Bins) > 0 {
		first, last = min(first, s.FirstBin), max(last, s.FirstBin+int64(len(s.Bins))-1)
	}
	if int64(len(s.Bins)) == last-first+1 {
		return
	}
	bins := make([]int64, last-first+1)
	copy(bins[max(0, s.FirstBin-first):], s.Bins)
	s.FirstBin, s.Bins = first, bins
}

// Validate checks a summary that came from outside.
func (s *Summary) Validate() error {
	if s.Count < 0 || s.LossSquared == nil {
		return errors.New("not a summary: count and loss_squared are missing or wrong")
	}
	if len(s.Bins) > 1_000_000 {
		return fmt.Errorf("a histogram of %d bins", len(s.Bins))
	}
	var inBins int64
	for _, n := range s.Bins {
		inBins += n
	}
	if inBins != s.Count {
		return fmt.Errorf("the histogram counts %d mortgages, the summary %d", inBins, s.Count)
	}
	return nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
