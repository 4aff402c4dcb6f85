package simulation

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// column is a bar of a chart: the losses from Low up to High, in per cent.
type column struct {
	low, high float64
	count     int64
}

// columns puts the bins of a report together into about n bars at most, whose edges are multiples of their width.
func (r *Report) columns(n int) []column {
	counts := r.HistogramCounts
	each := int64(max(1, (len(counts)+n-1)/n))
	first := int64(math.Round(r.HistogramFrom / r.Resolution))
	from, to := floorDiv(first, each), floorDiv(first+int64(len(counts))-1, each)
	all := make([]column, to-from+1)
	width := float64(each) * r.Resolution
	for i := range all {
		all[i].low = float64(from+int64(i)) * width
		all[i].high = all[i].low + width
	}
	for i, k := range counts {
		all[floorDiv(first+int64(i), each)-from].count += k
	}
	return all
}

// WriteText writes the measures and the histogram for a terminal of a width in characters.
func (r *Report) WriteText(w io.Writer, width int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d mortgages, %.1f million lent; %.2f %% defaulted, %.1f %% prepaid\n",
		r.Mortgages, r.Principal/1e6, 100*r.DefaultedShare, 100*r.PrepaidShare)
	fmt.Fprintf(&b, "  mean loss            %7.3f %% of the principal, standard error %.3f\n", r.MeanLoss, r.StandardError)
	fmt.Fprintf(&b, "  value at risk        %7.2f %% at 95 %%, %6.2f %% at 99 %%\n", r.ValueAtRisk95, r.ValueAtRisk99)
	fmt.Fprintf(&b, "  expected shortfall   %7.2f %% at 95 %%, %6.2f %% at 99 %%\n\n", r.ExpectedLoss95, r.ExpectedLoss99)
	bars := r.columns(24)
	var most int64 = 1
	for _, c := range bars {
		most = max(most, c.count)
	}
	const label = 28
	room := max(10, width-label-8)
	fmt.Fprintln(&b, "  loss, % of principal  mortgages")
	for _, c := range bars {
		eighths := int(c.count * int64(room) * 8 / most)
		if eighths == 0 && c.count > 0 {
			eighths = 1 // a bar that is there is seen
		}
		fmt.Fprintf(&b, "  %6.1f to %6.1f %9d %s%s\n", c.low, c.high, c.count, bar(eighths), r.mark(c))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// bar draws a bar of so many eighths of a character.
func bar(eighths int) string {
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[rest])
	}
	return s
}

// mark names the measures that lie in a bar.
func (r *Report) mark(c column) string {
	var b strings.Builder
	for _, m := range []struct {
		name string
		at   float64
	}{{"mean", r.MeanLoss}, {"VaR 95 %", r.ValueAtRisk95}, {"VaR 99 %", r.ValueAtRisk99}} {
		if m.at >= c.low && m.at < c.high {
			b.WriteString(" ◀ " + m.name)
		}
	}
	return b.String()
}

// WriteSVG writes the histogram as an SVG picture. Bars are as high as the square root of their count, so that the tail,
// which is what the risk is about, can be seen beside the bulk.
func (r *Report) WriteSVG(w io.Writer) error {
	const width, height, left, bottom, top = 900, 420, 60, 60, 70
	bars := r.columns(90)
	var most int64 = 1
	for _, c := range bars {
		most = max(most, c.count)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+
		"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="%d" y="26" font-size="17">Loss of %d simulated mortgages, %% of the principal</text>`+"\n",
		left, r.Mortgages)
	fmt.Fprintf(&b, `<text x="%d" y="46" fill="#555">mean %.3f, value at risk %.2f (95 %%) and %.2f (99 %%); `+
		`heights are square roots of counts</text>`+"\n", left, r.MeanLoss, r.ValueAtRisk95, r.ValueAtRisk99)
	if len(bars) > 0 {
		r.drawBars(&b, bars, most, width-left-20, height-top-bottom, left, top)
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) drawBars(b *strings.Builder, bars []column, most int64, width, height, left, top int) {
	from, to := bars[0].low, bars[len(bars)-1].high
	x := func(loss float64) float64 { return float64(left) + (loss-from)/(to-from)*float64(width) }
	floor := float64(top + height)
	for _, c := range bars {
		if c.count == 0 {
			continue
		}
		tall := max(1, float64(height)*math.Sqrt(float64(c.count)/float64(most)))
		colour := "#4c78a8"
		if c.low >= r.ValueAtRisk95 {
			colour = "#e45756"
		}
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"><title>%.1f to %.1f: %d</title></rect>`+"\n",
			x(c.low), floor-tall, max(0.5, x(c.high)-x(c.low)-0.6), tall, colour, c.low, c.high, c.count)
	}
	fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#333"/>`+"\n", left, floor, left+width)
	for i := range 7 {
		loss := from + (to-from)*float64(i)/6
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle">%.1f</text>`+"\n", x(loss), floor+20, loss)
	}
	for _, m := range []struct {
		name string
		at   float64
		y    float64
	}{{"mean", r.MeanLoss, 0}, {"VaR 95 %", r.ValueAtRisk95, 18}, {"VaR 99 %", r.ValueAtRisk99, 36}} {
		if m.at < from || m.at > to {
			continue
		}
		fmt.Fprintf(b, `<path d="M%.1f %dV%.1f" stroke="#333" stroke-dasharray="4 3"/>`+"\n", x(m.at), top, floor)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f">%s</text>`+"\n", x(m.at)+4, float64(top)+12+m.y, m.name)
	}
}
