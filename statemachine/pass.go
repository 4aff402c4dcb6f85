package statemachine

// passState hands its input on, or makes an output. A Succeed state does the same, at the end of its flow.
type passState struct{}

func (passState) work(d *decider, f *Frame) { d.succeed(f, f.state.outcome, f.state.next) }
