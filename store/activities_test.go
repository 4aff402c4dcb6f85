package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/statemachine"
	"github.com/tercel-workflows/tercel/store"
)

// queued makes n tasks of an activity.
func queued(activity string, n int) []engine.QueuedTask {
	execution := newID()
	tasks := make([]engine.QueuedTask, n)
	for i := range tasks {
		tasks[i] = engine.QueuedTask{
			TaskKey:   engine.TaskKey{Execution: execution, Task: statemachine.TaskID(i)},
			Namespace: "default", Activity: activity, Info: []byte(`{"state": "T"}`), Input: []byte(`[1e400, "\u0000"]`),
		}
	}
	return tasks
}

func (f *fixture) put(tasks ...engine.QueuedTask) {
	f.t.Helper()
	if err := f.PutActivityTasks(context.Background(), tasks); err != nil {
		f.t.Fatal(err)
	}
}

// taken takes tasks and gives the numbers that they have in their executions.
func (f *fixture) taken(activity string, workers int, hold time.Duration) []statemachine.TaskID {
	f.t.Helper()
	tasks, err := f.TakeActivityTasks(context.Background(),
		[]engine.ActivityDemand{{Namespace: "default", Activity: activity, Workers: workers}}, hold)
	if err != nil {
		f.t.Fatal(err)
	}
	ids := make([]statemachine.TaskID, len(tasks))
	for i, t := range tasks {
		ids[i] = t.Task
	}
	return ids
}

func (f *fixture) wantTaken(got []statemachine.TaskID, want ...statemachine.TaskID) {
	f.t.Helper()
	if !slices.Equal(got, want) {
		f.t.Errorf("took %v, want %v", got, want)
	}
}

func keysOf(tasks []engine.QueuedTask) []engine.TaskKey {
	keys := make([]engine.TaskKey, len(tasks))
	for i, t := range tasks {
		keys[i] = t.TaskKey
	}
	return keys
}

func TestActivityRows(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	for i, want := range []bool{true, false} {
		if created, err := f.CreateActivity(ctx, "default", "a"); err != nil || created != want {
			t.Errorf("creation %d: %t, %v", i, created, err)
		}
	}
	for _, key := range [][2]string{{"default", "b"}, {"default", "c"}, {"other", "a"}} {
		if _, err := f.CreateActivity(ctx, key[0], key[1]); err != nil {
			t.Fatal(err)
		}
	}
	list, err := f.Activities(ctx, "default", engine.Page{Limit: 2, After: "a"})
	if err != nil || len(list) != 2 || list[0].Name != "b" || list[1].Name != "c" || list[0].CreatedAt.IsZero() {
		t.Errorf("listed %+v, %v", list, err)
	}
	if err := f.DeleteActivity(ctx, "default", "a"); err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteActivity(ctx, "default", "a"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("deleting it twice: %v", err)
	}
	if _, err := f.Activity(ctx, "default", "a"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("reading it: %v", err)
	}
	if a, err := f.Activity(ctx, "other", "a"); err != nil || a.Namespace != "other" {
		t.Errorf("that of the other namespace is %+v, %v", a, err)
	}
}

// Tasks are taken in the order in which they came, each by one taker until it is given back, its time is over, or it is
// removed; and they come back to the place that they had.
func TestActivityQueue(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	tasks := queued("a", 6)
	f.put(tasks[:3]...)
	f.put(append(queued("b", 1), tasks[3:]...)...)
	f.put(tasks...) // again, as after a takeover
	if n, err := f.CountActivityTasks(ctx); err != nil || n != 7 {
		t.Fatalf("%d tasks are queued, %v", n, err)
	}
	f.wantTaken(f.taken("a", 2, time.Hour), 0, 1)
	f.wantTaken(f.taken("a", 2, time.Hour), 2, 3)
	if err := f.GiveBackActivityTasks(ctx, keysOf(tasks[1:3])); err != nil {
		t.Fatal(err)
	}
	f.wantTaken(f.taken("a", 2, 0), 1, 2) // their time is over at once
	f.wantTaken(f.taken("a", 3, time.Hour), 1, 2, 4)
	if err := f.RemoveActivityTasks(ctx, append(keysOf(tasks[:5]), engine.TaskKey{Execution: newID()})); err != nil {
		t.Fatal(err)
	}
	if err := f.GiveBackActivityTasks(ctx, keysOf(tasks)); err != nil {
		t.Fatal(err)
	}
	f.wantTaken(f.taken("a", 10, time.Hour), 5)
	f.wantTaken(f.taken("a", 10, time.Hour))
	f.wantTaken(f.taken("never", 10, time.Hour))
	for _, task := range []engine.QueuedTask{tasks[0], tasks[5]} { // one that is gone, and one that is held
		task.Info = []byte(`{"returned": true}`)
		if err := f.ReturnActivityTask(ctx, task); err != nil {
			t.Fatal(err)
		}
	}
	f.wantTaken(f.taken("a", 10, time.Hour), 5, 0)

	got, err := f.TakeActivityTasks(ctx, []engine.ActivityDemand{
		{Namespace: "default", Activity: "a", Workers: 1},
		{Namespace: "default", Activity: "b", Workers: 1},
		{Namespace: "other", Activity: "b", Workers: 1},
	}, time.Hour)
	if err != nil || len(got) != 1 || got[0].Activity != "b" || got[0].Namespace != "default" ||
		string(got[0].Input) != `[1e400, "\u0000"]` || string(got[0].Info) != `{"state": "T"}` {
		t.Errorf("took %+v, %v", got, err)
	}
}

// Many nodes that put, take, give back and remove the same tasks at once never wait for each other in a circle, and no
// task is with two of them at a time.
func TestActivityQueueRace(t *testing.T) {
	f := newFixture(t)
	tasks := queued("a", 300)
	backwards := slices.Clone(tasks)
	slices.Reverse(backwards)
	var mu sync.Mutex
	taken := map[engine.TaskKey]int{}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			mine, check := tasks, func(err error) {
				if err != nil {
					t.Error(err)
				}
			}
			if i%2 == 1 {
				mine = backwards
			}
			check(f.PutActivityTasks(t.Context(), mine))
			for {
				got, err := f.TakeActivityTasks(t.Context(), []engine.ActivityDemand{{Namespace: "default", Activity: "a", Workers: 7}}, time.Hour)
				check(err)
				if len(got) == 0 {
					return
				}
				mu.Lock()
				for _, task := range got {
					taken[task.TaskKey]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for key, n := range taken {
		if n > 1 {
			t.Errorf("task %d was taken %d times", key.Task, n)
		}
	}
	if len(taken) != len(tasks) {
		t.Errorf("%d of %d tasks were taken", len(taken), len(tasks))
	}
	for i := range 4 {
		wg.Go(func() {
			keys := keysOf(tasks)
			if i%2 == 1 {
				keys = keysOf(backwards)
			}
			if err := errors.Join(f.GiveBackActivityTasks(t.Context(), keys), f.RemoveActivityTasks(t.Context(), keys)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, err := f.CountActivityTasks(t.Context()); err != nil || n != 0 {
		t.Errorf("%d tasks are left, %v", n, err)
	}
}

// However long the queues are, the next tasks are found through the index, behind a few pages.
func TestActivityQueuePlans(t *testing.T) {
	f := newFixture(t)
	f.exec(`INSERT INTO activity_tasks (execution_id, task, namespace, activity, taken_until, info, input)
		SELECT (lpad(to_hex(1700000000000 + i), 12, '0') || '7000' || '8000' || lpad(to_hex(i), 12, '0'))::uuid, 1, 'default',
		       'a' || i % 10, CASE WHEN i < 500 THEN now() + interval '1 h' END, '{}', '{}'
		  FROM generate_series(1, 100000) AS i`)
	var first uuid.UUID
	if err := f.pool.QueryRow(t.Context(), "SELECT execution_id FROM activity_tasks LIMIT 1").Scan(&first); err != nil {
		t.Fatal(err)
	}
	activities, namespaces, workers := make([]string, 10), make([]string, 10), make([]int64, 10)
	ids, numbers := make([]uuid.UUID, 10), make([]int64, 10)
	for i := range activities {
		activities[i], namespaces[i], workers[i], ids[i], numbers[i] = fmt.Sprint("a", i), "default", 10, first, int64(i)
	}
	look := func(t *testing.T) {
		t.Helper()
		for _, c := range []struct {
			settings, query, index string
			args                   []any
			blocks                 int
		}{
			{"plan_queue", "take_activity_tasks", "activity_tasks_next", []any{namespaces, activities, workers, time.Minute}, 2000},
			{"plan_by_key", "give_back_activity_tasks", "activity_tasks_pkey", []any{ids, numbers}, 200},
			{"plan_by_key", "remove_activity_tasks", "activity_tasks_pkey", []any{ids, numbers}, 200},
		} {
			plan := f.explainAs(c.settings, store.Query(c.query), c.args...)
			used := false
			plan.walk(func(n planNode) {
				used = used || n.Index == c.index
				if n.Type == "Seq Scan" && n.Table == "activity_tasks" {
					t.Errorf("%s reads the whole queue", c.query)
				}
			})
			if blocks := plan.Hit + plan.Read; !used || blocks > c.blocks {
				t.Errorf("%s: uses %s: %t; it touches %d pages, want at most %d", c.query, c.index, used, blocks, c.blocks)
			}
		}
	}
	t.Run("before statistics", look)
	f.exec("VACUUM ANALYZE activity_tasks")
	t.Run("with statistics", look)
}
