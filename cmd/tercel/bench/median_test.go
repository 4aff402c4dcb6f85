package bench

import "testing"

func TestMedians(t *testing.T) {
	got := medians([]Result{
		{Workload: "a", Unit: "x", Rate: 3, Run: 1},
		{Workload: "b", Unit: "x", Rate: 10, Run: 1},
		{Workload: "a", Unit: "x", Rate: 1, P50: 4, Run: 2},
		{Workload: "b", Unit: "x", Rate: 20, Run: 2},
		{Workload: "a", Unit: "x", Rate: 2, P50: 8, Run: 3},
	})
	if len(got) != 2 || got[0].Workload != "a" || got[0].Rate != 2 || got[0].P50 != 4 || got[0].MedianOf != 3 || got[0].Run != 0 ||
		got[1].Workload != "b" || got[1].Rate != 15 || got[1].MedianOf != 2 {
		t.Errorf("got %+v", got)
	}
}
