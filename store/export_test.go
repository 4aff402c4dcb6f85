package store

// Query gives a statement by its name, for the tests that look at plans.
func Query(name string) string { return query(name) }

// QueryNames gives the names of all statements.
func QueryNames() []string {
	names := make([]string, 0, len(queries))
	for name := range queries {
		names = append(names, name)
	}
	return names
}
