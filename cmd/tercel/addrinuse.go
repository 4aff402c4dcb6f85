package main

import (
	"errors"
	"syscall"
)

// isAddressInUse tells whether an error of listening says that the port is taken.
func isAddressInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
