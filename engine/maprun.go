package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tercel-workflows/tercel/statemachine/event"
)

// MapRun is what a distributed Map of an execution has done. It is read from the execution's history.
type MapRun struct {
	ARN       string
	Execution Execution
	Label     string // of the Map, or its name for want of one
	Status    Status // RUNNING, SUCCEEDED, FAILED or ABORTED
	StartedAt time.Time
	StoppedAt *time.Time

	MaxConcurrency      int     // 0: none but the engine's
	ToleratedCount      int     // 0 if none is tolerated
	ToleratedPercentage float64 // 0 if none is tolerated

	Children Counts // one for each item, or for each batch
	Items    Counts

	RedriveCount int // how often it went on with its execution after it had ended
	RedrivenAt   *time.Time

	event    int64 // the id of its MapStateStarted, with which its ARN ends
	children []*mapChild
}

// Counts count by what has become of things.
type Counts struct {
	Total, Pending, Running, Succeeded, Failed, Aborted int
}

// MapRuns gives the map runs of an execution, in the order of their starts.
func (e *Engine) MapRuns(ctx context.Context, x Execution) ([]MapRun, error) {
	page, err := e.History(ctx, x.ID, 0, 0)
	if err != nil {
		return nil, err
	}
	if page.Machine == nil {
		return nil, fmt.Errorf("reading the map runs of execution %s: its definition does not compile with this release", x.ID)
	}
	events, err := page.Events()
	if err != nil {
		return nil, err
	}
	row := page.Execution.ExecutionRow
	r := &mapRunReader{run: page.Machine.NewRun(e.info(&row)), open: map[event.FrameID]*mapRun{}, child: map[event.FrameID]*mapChild{}}
	for _, ev := range events {
		if err := r.add(ev); err != nil {
			return nil, fmt.Errorf("reading the map runs of execution %s: %w", x.ID, err)
		}
	}
	list := make([]MapRun, len(r.found))
	for i, m := range r.found {
		list[i] = m.result(page.Execution)
		list[i].ARN = e.mapRunARN(&page.Execution.ExecutionRow, m.Label, m.event)
	}
	return list, nil
}

// MapRun gives one map run by its ARN, or ResourceNotFound.
func (e *Engine) MapRun(ctx context.Context, namespace, arn string) (MapRun, error) {
	kind, rest, err := statesARN(arn)
	if err != nil {
		return MapRun{}, err
	}
	machine, name, ok := strings.Cut(rest, "/")
	if ok {
		_, name, ok = strings.Cut(name, ":")
	}
	dash := strings.LastIndexByte(name, '-')
	if kind != "mapRun" || !ok || dash < 0 {
		return MapRun{}, errorf(CodeInvalidArn, "%q is not the ARN of a map run", arn)
	}
	none := errorf(CodeResourceNotFound, "there is no map run %s", arn)
	x, err := e.DescribeExecution(ctx, namespace, machine+"/"+name[:dash])
	if coded, ok := err.(*Error); ok && coded.Code == CodeExecutionDoesNotExist { //nolint:errorlint // made there, never wrapped
		return MapRun{}, none
	}
	if err != nil {
		return MapRun{}, err
	}
	runs, err := e.MapRuns(ctx, x)
	if err != nil {
		return MapRun{}, err
	}
	for _, r := range runs {
		if strings.HasSuffix(r.ARN, ":mapRun:"+rest) { // region and account are not looked at
			return r, nil
		}
	}
	return MapRun{}, none
}
