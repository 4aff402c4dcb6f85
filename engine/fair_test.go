package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestFairQueueGivesEachKeyItsTurn(t *testing.T) {
	var q fairQueue[string, int]
	for i := range 5 {
		q.push("many", i)
	}
	q.push("one", 100)
	q.push("two", 200)
	q.push("two", 201)
	var got []int
	for {
		v, ok := q.pop()
		if !ok {
			break
		}
		got = append(got, v)
	}
	if want := []int{0, 100, 200, 1, 201, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Whatever is pushed and popped, nothing is lost, and each key's items keep their order.
func TestFairQueueLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q fairQueue[int, int]
		pushed, popped := map[int][]int{}, map[int][]int{}
		n := 0
		pop := func() bool {
			v, ok := q.pop()
			if ok {
				popped[v%10] = append(popped[v%10], v)
			}
			return ok
		}
		for range rapid.IntRange(0, 300).Draw(t, "operations") {
			if rapid.Bool().Draw(t, "push") {
				key := rapid.IntRange(0, 9).Draw(t, "key")
				n++
				q.push(key, n*10+key)
				pushed[key] = append(pushed[key], n*10+key)
			} else if had := q.size > 0; pop() != had {
				t.Fatalf("pop did not agree with the size")
			}
		}
		for pop() {
		}
		for key, want := range pushed {
			if !slices.Equal(popped[key], want) {
				t.Fatalf("key %d: popped %v, want %v", key, popped[key], want)
			}
		}
		if len(q.items) != 0 {
			t.Fatalf("%d keys stay behind", len(q.items))
		}
	})
}
