package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tercel-workflows/tercel/engine"
)

var (
	sqlCreateActivity        = query("create_activity")
	sqlActivity              = query("activity")
	sqlListActivities        = query("list_activities")
	sqlDeleteActivity        = query("delete_activity")
	sqlPlanQueue             = query("plan_queue")
	sqlPutActivityTasks      = query("put_activity_tasks")
	sqlTakeActivityTasks     = query("take_activity_tasks")
	sqlReturnActivityTask    = query("return_activity_task")
	sqlGiveBackActivityTasks = query("give_back_activity_tasks")
	sqlRemoveActivityTasks   = query("remove_activity_tasks")
	sqlCountActivityTasks    = query("count_activity_tasks")
)

// CreateActivity stores an activity unless there is one of that name, and reports whether there was none.
func (s *Store) CreateActivity(ctx context.Context, namespace, name string) (bool, error) {
	tag, err := s.pool.Exec(ctx, sqlCreateActivity, namespace, name)
	if err != nil {
		return false, fmt.Errorf("creating activity %q: %w", name, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Activity gives an activity, or engine.ErrNotFound.
func (s *Store) Activity(ctx context.Context, namespace, name string) (engine.Activity, error) {
	a, err := scanActivity(s.pool.QueryRow(ctx, sqlActivity, namespace, name))
	if err != nil {
		return a, fmt.Errorf("reading activity %q: %w", name, err)
	}
	return a, nil
}

func scanActivity(row pgx.Row) (engine.Activity, error) {
	var a engine.Activity
	err := row.Scan(&a.Namespace, &a.Name, &a.CreatedAt)
	return a, notFound(err)
}

// Activities lists the activities of a namespace by name. Page.After is the last name of the page before.
func (s *Store) Activities(ctx context.Context, namespace string, page engine.Page) ([]engine.Activity, error) {
	limit := page.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	rows, err := s.pool.Query(ctx, sqlListActivities, namespace, page.After, limit)
	if err != nil {
		return nil, fmt.Errorf("listing activities: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.Activity, error) { return scanActivity(row) })
	if err != nil {
		return nil, fmt.Errorf("listing activities: %w", err)
	}
	return list, nil
}

// DeleteActivity removes an activity, or gives engine.ErrNotFound. The registry's version moves, so that no node takes
// it for being there. The tasks that wait for it stay in the queue.
func (s *Store) DeleteActivity(ctx context.Context, namespace, name string) error {
	if err := s.change(ctx, sqlDeleteActivity, namespace, name); err != nil {
		return fmt.Errorf("deleting activity %q: %w", name, err)
	}
	return nil
}

// PutActivityTasks puts tasks into the queue. Those that are in it already keep their place.
func (s *Store) PutActivityTasks(ctx context.Context, tasks []engine.QueuedTask) error {
	tasks = slices.Clone(tasks)
	slices.SortStableFunc(tasks, func(a, b engine.QueuedTask) int { return compareKeys(a.TaskKey, b.TaskKey) })
	n := len(tasks)
	executions, ids := make(uuids, n), make(ints, n)
	namespaces, activities := make(texts, n), make(texts, n)
	infos, inputs := make(blobs, n), make(blobs, n)
	for i, t := range tasks {
		executions[i], ids[i] = pgUUID(t.Execution), pgtype.Int8{Int64: int64(t.Task), Valid: true}
		namespaces[i], activities[i] = pgText(t.Namespace), pgText(t.Activity)
		infos[i], inputs[i] = t.Info, t.Input
	}
	_, err := s.pool.Exec(ctx, sqlPutActivityTasks, executions, ids, namespaces, activities, infos, inputs)
	if err != nil {
		return fmt.Errorf("queueing %d tasks of activities: %w", n, err)
	}
	return nil
}

func compareKeys(a, b engine.TaskKey) int {
	if c := slices.Compare(a.Execution[:], b.Execution[:]); c != 0 {
		return c
	}
	return cmp.Compare(a.Task, b.Task)
}

// TakeActivityTasks takes the oldest tasks of each activity, as many as there are workers for, and keeps them from all
// others for the time of hold. They come in the order in which they were put.
func (s *Store) TakeActivityTasks(ctx context.Context, wanted []engine.ActivityDemand, hold time.Duration) ([]engine.QueuedTask, error) {
	n := len(wanted)
	namespaces, activities, workers := make(texts, n), make(texts, n), make(ints, n)
	for i, w := range wanted {
		namespaces[i], activities[i] = pgText(w.Namespace), pgText(w.Activity)
		workers[i] = pgtype.Int8{Int64: int64(w.Workers), Valid: true}
	}
	found, err := s.takeQueued(ctx, namespaces, activities, workers, hold)
	if err != nil {
		return nil, fmt.Errorf("taking tasks of activities: %w", err)
	}
	slices.SortFunc(found, func(a, b placedTask) int { return cmp.Compare(a.place, b.place) })
	tasks := make([]engine.QueuedTask, len(found))
	for i := range found {
		tasks[i] = found[i].QueuedTask
	}
	return tasks, nil
}

// placedTask is a task with its place in the queue.
type placedTask struct {
	engine.QueuedTask
	place int64
}

func (s *Store) takeQueued(ctx context.Context, args ...any) (found []placedTask, err error) {
	b := &pgx.Batch{}
	b.Queue(sqlPlanQueue)
	b.Queue(sqlTakeActivityTasks, args...)
	results := s.pool.SendBatch(ctx, b)
	defer func() {
		if closing := results.Close(); err == nil {
			err = closing
		}
	}()
	if _, err := results.Exec(); err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (placedTask, error) {
		var t placedTask
		var id pgtype.UUID
		err := row.Scan(&id, &t.Task, &t.Namespace, &t.Activity, &t.Info, &t.Input, &t.place)
		t.Execution = uuid.UUID(id.Bytes)
		return t, err
	})
}

// ReturnActivityTask lets others have a task that was handed to a worker in vain, and notes its new Info. It has its old
// place if it is still in the queue, else the last one.
func (s *Store) ReturnActivityTask(ctx context.Context, t engine.QueuedTask) error {
	_, err := s.pool.Exec(ctx, sqlReturnActivityTask, pgUUID(t.Execution), int64(t.Task), t.Namespace, t.Activity, t.Info, t.Input)
	if err != nil {
		return fmt.Errorf("returning a task of an activity: %w", err)
	}
	return nil
}

// GiveBackActivityTasks lets others have tasks that were taken, in their old place.
func (s *Store) GiveBackActivityTasks(ctx context.Context, tasks []engine.TaskKey) error {
	if err := s.eachTask(ctx, sqlGiveBackActivityTasks, tasks); err != nil {
		return fmt.Errorf("giving %d tasks of activities back: %w", len(tasks), err)
	}
	return nil
}

// RemoveActivityTasks takes tasks out of the queue. Those that are not in it are passed over.
func (s *Store) RemoveActivityTasks(ctx context.Context, tasks []engine.TaskKey) error {
	if err := s.eachTask(ctx, sqlRemoveActivityTasks, tasks); err != nil {
		return fmt.Errorf("removing %d tasks of activities: %w", len(tasks), err)
	}
	return nil
}

func (s *Store) eachTask(ctx context.Context, sql string, tasks []engine.TaskKey) error {
	executions, ids := make(uuids, len(tasks)), make(ints, len(tasks))
	for i, t := range tasks {
		executions[i], ids[i] = pgUUID(t.Execution), pgtype.Int8{Int64: int64(t.Task), Valid: true}
	}
	b := &pgx.Batch{}
	b.Queue(sqlPlanByKey)
	b.Queue(sql, executions, ids)
	return s.pool.SendBatch(ctx, b).Close()
}

// CountActivityTasks counts the tasks that wait for a worker, those that are being given to one included. It reads the
// whole queue: it is for tests and for people.
func (s *Store) CountActivityTasks(ctx context.Context) (int, error) {
	var n int
	if err := s.pool.QueryRow(ctx, sqlCountActivityTasks).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the tasks of activities: %w", err)
	}
	return n, nil
}
