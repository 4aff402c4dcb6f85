package rehearsal

import (
	"fmt"
	"strings"
)

// String writes the path on one line: Price > ReserveAndBook{Reserve | Book} > Fulfilled. Of the iterations of a Map,
// those in a row that went the same way are counted: Simulate{200 x Batch}.
func (p Path) String() string { return p.Names().String() }

// Short is String, with the middle of a long path left out.
func (p Path) Short() string {
	const begin, end = 12, 12
	if len(p) <= begin+end+1 {
		return p.String()
	}
	return fmt.Sprintf("%s > (%d states) > %s", p[:begin], len(p)-begin-end, p[len(p)-end:])
}

// Names gives the states of the path without anything else.
func (p Path) Names() Names {
	names := make(Names, len(p))
	for i, v := range p {
		names[i].State = v.State
		for _, f := range v.Flows {
			names[i].Flows = append(names[i].Flows, f.Names())
		}
	}
	return names
}

// Names is the names of the states of a path.
type Names []Name

// Name is a state in a path, with the paths of its branches or iterations; nil if it has none, or none are of interest.
type Name struct {
	State string
	Flows []Names
}

// String writes the names as Path.String does.
func (n Names) String() string {
	parts := make([]string, len(n))
	for i, name := range n {
		parts[i] = name.String()
	}
	return strings.Join(parts, " > ")
}

// String writes the state with what is in it.
func (n Name) String() string {
	if len(n.Flows) == 0 {
		return n.State
	}
	var parts []string
	for i := 0; i < len(n.Flows); {
		text, same := n.Flows[i].String(), 1
		for i+same < len(n.Flows) && n.Flows[i+same].String() == text {
			same++
		}
		if text == "" {
			text = "nothing"
		}
		if same > 1 {
			text = fmt.Sprintf("%d x %s", same, text)
		}
		parts = append(parts, text)
		i += same
	}
	return n.State + "{" + strings.Join(parts, " | ") + "}"
}
