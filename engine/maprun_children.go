package engine

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// MapRunChild is an iteration of a distributed Map as the Step Functions API tells of one: as an execution. It has none of its own
// here, but a frame of its parent; its name is made of the two.
type MapRunChild struct {
	ARN, Name    string
	MapRunARN    string
	MachineARN   string // with the label of the Map behind it
	Status       Status // RUNNING, SUCCEEDED, FAILED or ABORTED
	StartedAt    time.Time
	StoppedAt    *time.Time
	Items        int
	RedriveCount int
	RedrivenAt   *time.Time

	Input, Output *value.Value
	Error, Cause  *string
}

// MapRunChildren gives the map run of an ARN with those of its iterations that have begun, in the order in which they did.
func (e *Engine) MapRunChildren(ctx context.Context, namespace, arn string) (MapRun, []MapRunChild, error) {
	m, err := e.MapRun(ctx, namespace, arn)
	if err != nil {
		return m, nil, err
	}
	list := make([]MapRunChild, len(m.children))
	for i, c := range m.children {
		list[i] = e.mapRunChild(&m, c)
	}
	return m, list, nil
}

// MapRunChild gives one iteration by the ARN that MapRunChildren has for it, or ExecutionDoesNotExist.
func (e *Engine) MapRunChild(ctx context.Context, namespace, arn string) (MapRunChild, error) {
	none := errorf(CodeExecutionDoesNotExist, "there is no execution %s", arn)
	kind, rest, err := statesARN(arn)
	if err != nil {
		return MapRunChild{}, err
	}
	of, name, ok := strings.Cut(rest, ":")
	machine, label, labelled := strings.Cut(of, "/")
	id, frame, named := iterationName(name)
	if kind != "execution" || !ok || !labelled || !named {
		return MapRunChild{}, none
	}
	x, err := e.DescribeExecution(ctx, namespace, id.String())
	if err != nil || x.MachineName != machine {
		if err == nil || isCode(err, CodeExecutionDoesNotExist) {
			err = none
		}
		return MapRunChild{}, err
	}
	runs, err := e.MapRuns(ctx, x)
	if err != nil {
		return MapRunChild{}, err
	}
	for i := range runs {
		for _, c := range runs[i].children {
			if c.frame == frame && runs[i].Label == label {
				return e.mapRunChild(&runs[i], c), nil
			}
		}
	}
	return MapRunChild{}, none
}

// iterationName reads the name of an iteration: the id of its execution, a dash, and the number of its frame.
func iterationName(name string) (id uuid.UUID, frame event.FrameID, ok bool) {
	const size = 36
	if len(name) < size+2 || name[size] != '-' {
		return id, 0, false
	}
	id, err := uuid.Parse(name[:size])
	n, err2 := strconv.ParseUint(name[size+1:], 10, 64)
	return id, event.FrameID(n), err == nil && err2 == nil
}

func (e *Engine) mapRunChild(m *MapRun, c *mapChild) MapRunChild {
	x := &m.Execution
	of := x.MachineName + "/" + m.Label
	name := fmt.Sprintf("%s-%d", x.ID, c.frame)
	return MapRunChild{
		ARN: e.ExecutionARN(of, name), Name: name, MapRunARN: m.ARN, MachineARN: e.StateMachineARN(of),
		Status: c.status, StartedAt: c.startedAt, StoppedAt: c.stoppedAt, Items: c.items,
		RedriveCount: c.redrives, RedrivenAt: c.redrivenAt, Input: c.input, Output: c.output, Error: c.err, Cause: c.cause,
	}
}
