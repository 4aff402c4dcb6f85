//go:build !unix

package storetest

import "errors"

// shared has nothing to share on this system.
func shared() (string, error) {
	return "", errors.New("there is no private Postgres on this system: set " + EnvURL)
}
