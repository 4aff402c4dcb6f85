package asl

import (
	"fmt"
	"strings"
)

// didYouMean gives a hint that names the candidate closest to what was written, "" if none is close.
func didYouMean(written string, candidates []string) string {
	if i := closest(written, candidates); i >= 0 && candidates[i] != written {
		return fmt.Sprintf("did you mean %q?", candidates[i])
	}
	return ""
}

// What is longer, or chosen from more, is not worth the time to compare.
const (
	longestSuggested = 100
	mostSuggested    = 500
)

// closest gives the index of the candidate that differs least from what was written, the case of letters aside; -1 if
// all differ in more than a third of it.
func closest(written string, candidates []string) int {
	if len(written) > longestSuggested || len(candidates) > mostSuggested {
		return -1
	}
	lower := strings.ToLower(written)
	best, distance := -1, len(written)/3+1
	for i, c := range candidates {
		if d := editDistance(lower, strings.ToLower(c), distance); d < distance {
			best, distance = i, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b. It stops
// counting above most.
func editDistance(a, b string, most int) int {
	x, y := []rune(a), []rune(b)
	if max(len(x)-len(y), len(y)-len(x)) > most {
		return most + 1
	}
	before := make([]int, len(y)+1)
	last := make([]int, len(y)+1)
	now := make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		now[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(y)]
}

// alternatives writes "A, B or C".
func alternatives(values []string) string {
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	return strings.Join(values[:len(values)-1], ", ") + " or " + values[len(values)-1]
}
