package statemachine

import (
	"strconv"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// mapState runs its processor for each item of an array. Its result is the array of their outputs.
//
// The processor's iterations are frames of the same execution in both modes: the children of a distributed Map are not
// executions of their own yet.
type mapState struct {
	processor      *flow
	distributed    bool
	items          template // nil: the state's input
	selector       template // nil: the item itself
	batch          *batcher
	maxConcurrency numberField
	toleratedCount numberField
	toleratedShare numberField
	label          string // of the map run
	missing        string // what the state needs and this release does not have
}

// batcher groups items: an iteration gets {"Items": [...]} with what BatchInput adds.
type batcher struct {
	input    template
	maxItems numberField // 0: no bound
	maxBytes numberField // 0: no bound
}

func (sc *stateCompiler) mapState(node *asl.Map) behaviour {
	s := &mapState{
		distributed:    node.Mode == asl.Distributed,
		items:          sc.items(node),
		selector:       sc.payload("ItemSelector", node.ItemSelector),
		maxConcurrency: sc.integer("MaxConcurrency", node.MaxConcurrency, node.MaxConcurrencyPath, 0, 0),
		toleratedCount: sc.integer("ToleratedFailureCount", node.ToleratedFailureCount, node.ToleratedFailureCountPath, -1, 0),
		toleratedShare: sc.percentage("ToleratedFailurePercentage", node.ToleratedFailurePercentage, node.ToleratedFailurePercentagePath),
		missing:        sc.missing(node),
		label:          node.Label,
	}
	if s.label == "" {
		s.label = node.Name
	}
	if b := node.ItemBatcher; b != nil {
		s.batch = &batcher{
			input:    sc.payload("ItemBatcher/BatchInput", b.BatchInput),
			maxItems: sc.integer("ItemBatcher/MaxItemsPerBatch", b.MaxItemsPerBatch, b.MaxItemsPerBatchPath, 0, 1),
			maxBytes: sc.integer("ItemBatcher/MaxInputBytesPerBatch", b.MaxInputBytesPerBatch, b.MaxInputBytesPerBatchPath, 0, 1),
		}
	}
	variables := sc.variables
	if s.distributed {
		variables = nil // which its children do not see
	}
	s.processor = sc.flow(&node.Processor, sc.itemType(node, s), variables)
	if !s.distributed && node.ToleratedFailureCount == nil && node.ToleratedFailurePercentage == nil {
		sc.result = query.ListOf(s.processor.output)
	}
	return s
}

// itemType gives what is known of the input of an iteration.
func (sc *stateCompiler) itemType(node *asl.Map, s *mapState) *query.Type {
	if s.batch != nil || node.ItemReader != nil || sc.base.QueryLanguage == asl.JSONPath {
		return nil
	}
	if s.selector != nil {
		return staticType(s.selector)
	}
	items := sc.input
	if s.items != nil {
		items = staticType(s.items)
	}
	if items == nil || items.Kind != query.Array {
		return nil
	}
	return items.Elem
}

// missing warns of what this release does not have, and gives the failure of a state that needs it; "" if it needs
// nothing of the kind. Such a definition can be deployed, since the state may never be reached.
func (sc *stateCompiler) missing(node *asl.Map) (failure string) {
	if node.ItemReader != nil {
		failure = "ItemReader is not supported by this release"
		sc.warn(node.ItemReader, failure+"; the state will fail when it is reached", "hand the array to the state by its input")
	}
	if node.ResultWriter != nil {
		failure = "ResultWriter is not supported by this release"
		sc.warn(node.ResultWriter, failure+"; the state will fail when it is reached", "take the results from the state's output")
	}
	return failure
}

func (s *mapState) work(d *decider, f *Frame) {
	if s.missing != "" && d.run.trial == nil {
		d.fail(f, newFailure(ErrorRuntime, d.place(f)+s.missing))
		return
	}
	scope := d.scope(f)
	started, failed := s.start(scope, f, d.run.trialItems())
	if failed != nil {
		d.evaluationFailed(f, failed)
		return
	}
	if s.batch != nil {
		items := started.Items
		if items == nil {
			items = f.input
		}
		if items, failed = s.selected(d, f, scope, items); failed == nil {
			started.Items, failed = s.batch.group(scope, items)
		}
		if failed != nil {
			d.evaluationFailed(f, failed)
			return
		}
	}
	started.Items = started.Items.Settled()
	d.emit(f, started)
	d.iterate(f)
}

// selected gives the items as the selector has them, of a Map that groups them: as in the service, items are selected one
// by one, and what was selected is grouped.
func (s *mapState) selected(d *decider, f *Frame, scope *query.Scope, items *value.Value) (*value.Value, *evalFailure) {
	if s.selector == nil {
		return items, nil
	}
	list := make([]*value.Value, 0, items.Len())
	for i, item := range items.Elems() {
		v, failed := s.selector.eval(d.scopeWithItem(f, i, item))
		if failed != nil {
			return nil, failed
		}
		list = append(list, v.Settled())
	}
	items = value.FromArray(list)
	if scope.Inspect != nil {
		scope.Inspect("ItemSelector", items)
	}
	return items, nil
}

// start evaluates what is fixed for the whole Map. Read are the items that came from outside, nil for none.
func (s *mapState) start(scope *query.Scope, f *Frame, read *value.Value) (ev event.MapStarted, failed *evalFailure) {
	items := f.input
	switch {
	case read != nil:
		items, ev.Items = read, read
	case s.items != nil:
		if items, failed = s.items.eval(scope); failed != nil {
			return ev, failed
		}
		ev.Items = items
	}
	if items.Kind() != value.Array {
		if x, ok := s.items.(*expression); ok {
			return ev, x.unexpected("array", items)
		}
		return ev, s.noArray(items)
	}
	concurrency, failed := s.maxConcurrency.eval(scope)
	if failed != nil {
		return ev, failed
	}
	count, failed := s.toleratedCount.eval(scope)
	if failed != nil {
		return ev, failed
	}
	ev.ToleratedPercentage, failed = s.toleratedShare.eval(scope)
	ev.MaxConcurrency, ev.ToleratedCount = int(concurrency), int(count)
	return ev, failed
}

// noArray is the failure of a Map whose items are no array and do not come from an expression, as the service words it.
func (s *mapState) noArray(items *value.Value) *evalFailure {
	if x, ok := s.items.(*pathItems); ok {
		return &evalFailure{name: ErrorRuntime, message: "Reference path \"" + x.path.Source() + "\" must point to array."}
	}
	return &evalFailure{name: ErrorRuntime, message: "Map state input must be an array but was: " + items.Kind().String()}
}

// group makes batches of items.
func (b *batcher) group(scope *query.Scope, items *value.Value) (*value.Value, *evalFailure) {
	maxItems, failed := b.maxItems.eval(scope)
	if failed != nil {
		return nil, failed
	}
	maxBytes, failed := b.maxBytes.eval(scope)
	if failed != nil {
		return nil, failed
	}
	var input *value.Value
	if b.input != nil {
		if input, failed = b.input.eval(scope); failed != nil {
			return nil, failed
		}
		input = input.Settled()
	}
	var batches, batch []*value.Value
	size := 0
	flush := func() {
		keys, values := []string{"Items"}, []*value.Value{value.FromArray(batch)}
		if input != nil {
			keys, values = append(keys, "BatchInput"), append(values, input)
		}
		batches = append(batches, value.FromObject(keys, values))
		batch, size = nil, 0
	}
	for _, item := range items.Elems() {
		bytes := len(item.JSON())
		if len(batch) > 0 && (maxItems > 0 && len(batch) >= int(maxItems) || maxBytes > 0 && size+bytes > int(maxBytes)) {
			flush()
		}
		batch = append(batch, item)
		size += bytes
	}
	if len(batch) > 0 {
		flush()
	}
	return value.FromArray(batches), nil
}

// iterate starts as many iterations as there is room for, and ends the state when there is none left.
func (d *decider) iterate(f *Frame) {
	g := f.group
	s, ok := f.behaviour().(*mapState)
	if !ok {
		return
	}
	room := d.env.Limits.MapConcurrent
	if g.maxConcurrency > 0 {
		room = min(room, g.maxConcurrency)
	}
	if d.run.trial != nil { // it is told what its iterations came to, and shows what they are given
		d.tryIterations(f, s)
		return
	}
	for g.next < g.total && len(g.open) < room {
		if !s.startIteration(d, f) {
			return
		}
	}
	if g.ended() {
		d.emit(f, event.MapSucceeded{})
		d.complete(f)
	}
}

func (s *mapState) startIteration(d *decider, f *Frame) bool {
	g := f.group
	var input *value.Value
	if s.selector != nil && s.batch == nil {
		scope := d.scopeWithItem(f, g.next, g.items.At(g.next))
		v, failed := s.selector.eval(scope)
		if failed != nil {
			d.evaluationFailed(f, failed)
			return false
		}
		input = v.Settled()
		if !d.fits(f, "the input of iteration "+strconv.Itoa(g.next), input) {
			return false
		}
	}
	index := g.next
	d.emit(f, event.IterationStarted{Input: input})
	d.ready = append(d.ready, g.open[index])
	return true
}

// iterationSucceeded happens in the iteration's frame.
func (d *decider) iterationSucceeded(f *Frame) {
	parent := f.parent
	d.emit(f, event.IterationSucceeded{})
	d.iterate(parent)
}

// iterationFailed happens in the iteration's frame: the failure is tolerated, or it ends the Map.
func (d *decider) iterationFailed(f *Frame, why failure) {
	parent := f.parent
	tolerated := parent.group.tolerates()
	d.cancel(f)
	d.emit(f, event.IterationFailed{Error: why.name, Cause: why.cause, Tolerated: tolerated})
	if tolerated {
		d.iterate(parent)
		return
	}
	if parent.group.toleratedCount >= 0 || parent.group.toleratedPercentage >= 0 {
		why = newFailure(ErrorExceedToleratedRate, exceededTolerance)
	}
	d.mapFailed(parent, f, why)
}
