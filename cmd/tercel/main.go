// Command tercel runs workflows written in the Amazon States Language: it is the server, and the client of one.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // named time zones also where the machine has no files of them, as in a bare container
)

func main() {
	ctx, stop := interruptible(context.Background())
	code := run(ctx, os.Args[1:], system())
	stop()
	os.Exit(code)
}
