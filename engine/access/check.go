package access

import (
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of a key.
const (
	maxName       = 64
	maxNamespaces = 64
	maxExpires    = 100 * 365 * 24 * time.Hour
)

var namespacePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// check gives the key that is asked for, without its id, or an *InvalidError.
func (n NewKey) check(now time.Time) (Key, error) {
	if err := checkName(n.Name); err != nil {
		return Key{}, err
	}
	names := make([]string, len(n.Scopes))
	for i, s := range n.Scopes {
		names[i] = string(s)
	}
	scopes, err := ParseScopes(names)
	if err != nil {
		return Key{}, err
	}
	if len(n.Namespaces) > maxNamespaces {
		return Key{}, &InvalidError{fmt.Sprintf("a key is bound to %d namespaces at most; without any it is good for all", maxNamespaces)}
	}
	for _, ns := range n.Namespaces {
		if !namespacePattern.MatchString(ns) {
			return Key{}, &InvalidError{fmt.Sprintf("%q is no name of a namespace: letters, digits, '.', '_' and '-', at most 63, "+
				"beginning with a letter or digit", ns)}
		}
	}
	namespaces := slices.Compact(slices.Sorted(slices.Values(n.Namespaces)))
	if len(namespaces) > 0 && slices.Contains(scopes, Admin) {
		return Key{}, &InvalidError{"the scope admin is about the whole cluster; a key that has it cannot be bound to a namespace. " +
			"Give it read, run, decide and deploy to allow everything within its namespace"}
	}
	key := Key{Name: n.Name, Scopes: scopes, Namespaces: namespaces, CreatedAt: now.UTC().Truncate(time.Microsecond), CreatedBy: n.CreatedBy}
	switch {
	case n.Expires < 0:
		return Key{}, &InvalidError{"a key cannot expire before it is made; give a duration such as 720h"}
	case n.Expires > maxExpires:
		return Key{}, &InvalidError{"a key expires within 100 years; leave the expiry out for one that never does"}
	case n.Expires > 0:
		key.ExpiresAt = key.CreatedAt.Add(n.Expires)
	}
	return key, nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return &InvalidError{"a key needs a name that tells people what it is for, such as ci or billing-service"}
	case utf8.RuneCountInString(name) > maxName || !utf8.ValidString(name):
		return &InvalidError{fmt.Sprintf("the name of a key has at most %d characters", maxName)}
	case name == Loopback || name == Anonymous || name == Database:
		return &InvalidError{fmt.Sprintf("the name %q is what the audit calls callers without a key; take another", name)}
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return &InvalidError{"the name of a key has printable characters only"}
		}
	}
	return nil
}
