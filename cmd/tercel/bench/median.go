package bench

import "slices"

// medians gives, for each workload and unit in the order in which they came first, the median of every figure.
func medians(results []Result) []Result {
	type key struct{ workload, unit string }
	var order []key
	runs := map[key][]Result{}
	for _, r := range results {
		k := key{r.Workload, r.Unit}
		if runs[k] == nil {
			order = append(order, k)
		}
		runs[k] = append(runs[k], r)
	}
	out := make([]Result, 0, len(order))
	for _, k := range order {
		m := runs[k][0]
		m.Run, m.MedianOf = 0, len(runs[k])
		for i, figure := range m.figures() {
			all := make([]float64, 0, len(runs[k]))
			for _, r := range runs[k] {
				all = append(all, *r.figures()[i])
			}
			*figure = median(all)
		}
		out = append(out, m)
	}
	return out
}

// figures gives what a result has measured.
func (r *Result) figures() []*float64 {
	return []*float64{
		&r.Rate, &r.P50, &r.P95, &r.P99, &r.LimitRate, &r.RatioToLimit, &r.SingleCommits, &r.CommitsPerExecution,
		&r.WALBytesPerExecution, &r.EngineCPU, &r.PostgresCPU, &r.LimitEngineCPU, &r.LimitPostgresCPU, &r.RSS,
	}
}

// median sorts the figures; of an even number it is the mean of the two in the middle.
func median(all []float64) float64 {
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}
