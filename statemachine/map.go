package statemachine

import (
	"strconv"

	"github.com/tercel-workflows/tercel/statemachine/asl"
	"github.com/tercel-workflows/tercel/statemachine/event"
	"github.com/tercel-workflows/tercel/statemachine/query"
	"github.com/tercel-workflows/tercel/statemachine/source"
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
}

// batcher groups items: an iteration gets {"Items": [...]} with what BatchInput adds.
type batcher struct {
	input    template
	maxItems numberField // 0: no bound
	maxBytes numberField // 0: no bound
}

func (sc *stateCompiler) mapState(node *asl.Map) behaviour {
	const later = "arrays come in through Items for now"
	sc.reject(node.ItemReader, "ItemReader is not supported by this release", later)
	sc.reject(node.ResultWriter, "ResultWriter is not supported by this release", "take the results from the state's output")
	s := &mapState{
		distributed:    node.Mode == "DISTRIBUTED",
		processor:      sc.flow(&node.Processor),
		items:          sc.template(node.Items, sc.field("Items", query.Env{})),
		selector:       sc.template(node.ItemSelector, sc.field("ItemSelector", query.Env{})),
		maxConcurrency: sc.integer(node.MaxConcurrency, "MaxConcurrency", 0, 0),
		toleratedCount: sc.integer(node.ToleratedFailureCount, "ToleratedFailureCount", -1, 0),
		toleratedShare: sc.percentage(node.ToleratedFailurePercentage, "ToleratedFailurePercentage"),
	}
	if b := node.ItemBatcher; b != nil {
		s.batch = &batcher{
			input:    sc.template(b.BatchInput, sc.field("ItemBatcher/BatchInput", query.Env{})),
			maxItems: sc.bound(b.MaxItemsPerBatch, "ItemBatcher/MaxItemsPerBatch"),
			maxBytes: sc.bound(b.MaxInputBytesPerBatch, "ItemBatcher/MaxInputBytesPerBatch"),
		}
	}
	return s
}

func (sc *stateCompiler) bound(n *source.Node, name string) numberField {
	return sc.integer(n, name, 0, 1)
}

func (s *mapState) work(d *decider, f *Frame) {
	scope := d.scope(f)
	started, failed := s.start(scope, f)
	if failed != nil {
		d.evaluationFailed(f, failed)
		return
	}
	if s.batch != nil {
		items := started.Items
		if items == nil {
			items = f.input
		}
		if started.Items, failed = s.batch.group(scope, items); failed != nil {
			d.evaluationFailed(f, failed)
			return
		}
	}
	started.Items = started.Items.Settled()
	d.emit(f, started)
	d.iterate(f)
}

// start evaluates what is fixed for the whole Map.
func (s *mapState) start(scope *query.Scope, f *Frame) (ev event.MapStarted, failed *evalFailure) {
	items := f.input
	if s.items != nil {
		if items, failed = s.items.eval(scope); failed != nil {
			return ev, failed
		}
		ev.Items = items
	}
	if items.Kind() != value.Array {
		if x, ok := s.items.(*expression); ok {
			return ev, x.unexpected("array", items)
		}
		return ev, &evalFailure{ErrorQueryEvaluation, "Items", "Map state input must be an array but was: " + items.Kind().String()}
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
	if s.selector != nil {
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
	for _, sibling := range parent.group.ordered() {
		if sibling != f {
			d.cancel(sibling)
			d.emit(sibling, event.IterationAborted{})
		}
	}
	if parent.group.toleratedCount >= 0 || parent.group.toleratedPercentage >= 0 {
		why = newFailure(ErrorExceedToleratedRate, "The specified tolerated failure threshold was exceeded")
	}
	d.fail(parent, why)
}
