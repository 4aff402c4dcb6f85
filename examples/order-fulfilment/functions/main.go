// Command functions is the shop behind the order example: an HTTP server with a function for each step of an order. It
// remembers what it did in one file, by idempotency key, so that a step that is delivered twice is done once.
//
//	POST /payment   charge the card             POST /refund   give the money back
//	POST /reserve   take goods from the stock   POST /release  put them back
//	POST /book      book the shipment           POST /cancel   cancel it
//	POST /carrier   hand the parcel over; the carrier reports later, with the task token
//	GET  /state     everything the shop remembers
//	GET  /healthz   whether it runs
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("functions", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:7070", "`address` to listen at; port 0 takes a free one")
	state := flags.String("state", "order-functions.json", "`file` that remembers what was done")
	tercel := flags.String("tercel", "http://127.0.0.1:8083", "base `URL` of Tercel, for the carrier's report")
	delay := flags.Duration("carrier-delay", 2*time.Second, "how long the carrier takes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	shop, err := openShop(*state)
	if err != nil {
		return err
	}
	carrier := newCarrier(shop, *tercel, *delay)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
	if err != nil {
		return fmt.Errorf("listening: %w; is another copy running? -listen takes another address", err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())

	server := &http.Server{Handler: routes(shop, carrier), ReadHeaderTimeout: 5 * time.Second}
	go carrier.run(ctx)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			slog.Warn("stopping the server", "error", err)
		}
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
