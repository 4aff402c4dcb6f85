package jsonata

// kind tells what a node of the tree is.
type kind uint8

const (
	kindEnd kind = iota // behind the last token; only in trees that do not compile
	kindName
	kindString
	kindNumber
	kindValue // true, false, null
	kindVariable
	kindRegex
	kindWord        // and, or, in: an operator, or a name where no operator can stand
	kindPlaceholder // ? among the arguments of a partial application
	kindWildcard
	kindDescendant
	kindParent
	kindBinary
	kindNegate
	kindArray
	kindObject
	kindBlock
	kindCondition
	kindBind
	kindCall
	kindPartial
	kindLambda
	kindTransform
	kindApply
	kindPath
	kindSort

	// Only in the tree that the parser gives: resolving folds them into paths.
	kindDot
	kindFilter
	kindGroup
	kindOrder
	kindFocus
	kindIndex
)

// operator is a binary operator.
type operator uint8

const (
	opNone operator = iota
	opAdd
	opSubtract
	opMultiply
	opDivide
	opModulo
	opEqual
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opConcat
	opAnd
	opOr
	opIn
	opRange
)

var operators = map[string]operator{
	"+": opAdd, "-": opSubtract, "*": opMultiply, "/": opDivide, "%": opModulo, "=": opEqual, "!=": opNotEqual,
	"<": opLess, "<=": opLessEqual, ">": opGreater, ">=": opGreaterEqual, "&": opConcat, "and": opAnd, "or": opOr,
	"in": opIn, "..": opRange,
}

// node is a node of the tree. The parser makes a tree that follows the source, which prints back to it; resolve makes
// of it the tree that is evaluated, which nothing changes any more. Which fields count depends on the kind.
type node struct {
	kind kind
	op   operator
	pos  int    // of its first token in the source, in bytes; of an operator, where that stands
	text string // a name, the text of a string, an operator, the name of a variable or of a called function

	value   any      // of a literal
	left    *node    // left operand, condition, pattern, what is called
	right   *node    // right operand, then, update, the body of a function
	third   *node    // else, delete
	list    []*node  // steps, arguments, elements, expressions of a block; the keys and values of an object in turn
	params  []string // of a function
	terms   []sortTerm
	sig     *signature
	regex   *pattern
	builtin *builtin // that the name of a variable means if nothing else is bound to it

	stages     []stage // of a step of a path
	predicates []stage // of what is no step of a path, or is its first and was none
	group      *group
	focus      string // @$v
	index      string // #$i
	// keepArray is []: a singleton stays an array.
	keepArray bool
	// construct marks an array constructor at the start or the end of a path, which is not flattened.
	construct bool
	// tuples marks a step that needs to remember the steps before it.
	tuples bool
	// tail marks a call whose value is that of the function it stands in.
	tail bool
	// plain marks a name without any of the above, which is the bulk of all steps.
	plain bool

	slot     *slot   // of %
	ancestor *slot   // the % that means what this step was applied to
	seeking  []*slot // those % in here that have not found their step yet
}

// sortTerm is one of the terms of an order-by.
type sortTerm struct {
	by         *node
	descending bool
}

// stage is a predicate, or the name that takes the position (#$i behind a predicate).
type stage struct {
	filter *node
	index  string
	pos    int
}

// group is a group-by: keys and values in turn.
type group struct {
	pairs []*node
	pos   int
}

// slot connects a % with the step whose input it means.
type slot struct {
	label string
	level int
	pos   int
}
