package main

import (
	"errors"
	"strconv"
	"testing"
)

func TestEachPage(t *testing.T) {
	for name, test := range map[string]struct {
		items, limit int
		shown, calls int
		more         bool
	}{
		"nothing":            {0, 0, 0, 1, false},
		"one page":           {pageSize, 0, pageSize, 1, false},
		"all pages":          {2*pageSize + 1, 0, 2*pageSize + 1, 3, false},
		"limit in a page":    {10, 3, 3, 1, true},
		"limit is the end":   {10, 10, 10, 1, false},
		"limit beyond":       {10, 20, 10, 1, false},
		"limit across pages": {2 * pageSize, pageSize + 1, pageSize + 1, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			shown, more, err := eachPage(test.limit, func(size int, cursor string) (int, string, error) {
				calls++
				from := 0
				if cursor != "" {
					from, _ = strconv.Atoi(cursor)
				}
				n, next := min(size, test.items-from), ""
				if from+n < test.items {
					next = strconv.Itoa(from + n)
				}
				return n, next, nil
			})
			if err != nil || shown != test.shown || more != test.more || calls != test.calls {
				t.Errorf("shown %d, more %t, %d calls, %v; want %+v", shown, more, calls, err, test)
			}
		})
	}
	broken := errors.New("broken")
	if _, _, err := eachPage(0, func(int, string) (int, string, error) { return 0, "", broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
