package diag

import (
	"strings"
	"unicode/utf8"
)

// What is longer, or chosen from more, is not worth the time to compare.
const (
	longestName = 100
	mostNames   = 1000
)

// Closest gives the known name that is most like a name that is not known, for a "did you mean"; "" if none is near
// enough to be a slip of the fingers: the case of letters aside, a third of them wrong, or swapped, at the most.
func Closest(name string, known []string) string {
	if len(name) > longestName || len(known) > mostNames {
		return ""
	}
	letters := []rune(strings.ToLower(name))
	best, least := "", len(letters)/3+1
	for _, k := range known {
		if difference := utf8.RuneCountInString(k) - len(letters); max(difference, -difference) >= least {
			continue // not near, however alike the letters are
		}
		if d := distance(letters, []rune(strings.ToLower(k))); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their neighbour to get from a to b.
func distance(a, b []rune) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
