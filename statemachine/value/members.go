package value

// Members builds an object, member by member; names must be distinct. The zero value has none.
type Members struct {
	keys   []string
	values []*Value
}

// Set adds a member. A nil value adds none.
func (m *Members) Set(key string, v *Value) {
	if v != nil {
		m.keys, m.values = append(m.keys, key), append(m.values, v)
	}
}

// Text adds a member that is a string. An empty text adds none.
func (m *Members) Text(key, text string) {
	if text != "" {
		m.Set(key, FromString(text))
	}
}

// Object gives the object. Nothing may be added afterwards.
func (m *Members) Object() *Value { return FromObject(m.keys, m.values) }
