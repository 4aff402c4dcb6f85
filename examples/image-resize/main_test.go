package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/tercel-workflows/tercel/engine"
	"github.com/tercel-workflows/tercel/store/storetest"
	"github.com/tercel-workflows/tercel/web"
	"github.com/tercel-workflows/tercel/worker"
)

// TestThumbnails runs the machine with a worker, on a real server and Postgres.
func TestThumbnails(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	eng, err := engine.New(engine.Config{Store: storetest.Open(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := eng.Start(ctx); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(web.NewRouter(web.Config{Engine: eng, Logger: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	if _, _, err := eng.CreateActivity(ctx, "", "resize"); err != nil {
		t.Fatal(err)
	}
	definition, err := os.ReadFile("thumbnails.asl.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := eng.Deploy(ctx, engine.DeployRequest{Name: "thumbnails", File: "thumbnails.asl.yaml", Definition: definition})
	if err != nil || len(r.Warnings) != 0 {
		t.Fatalf("deploying: %v, %v", r.Warnings, err)
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- newWorker(worker.Config{Server: server.URL, Logger: slog.New(slog.DiscardHandler)}).Run(working)
	}()
	x, _, err := eng.StartExecution(ctx, engine.StartRequest{
		StateMachine: "thumbnails", Input: fmt.Appendf(nil, `{"widths": [4, 16, 1000, 7], "image": %q}`, halves(t)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if x, err = eng.Wait(ctx, x.ID); err != nil || x.Status != engine.Succeeded {
		t.Fatalf("it is %s, %v", x.Status, err)
	}
	var made []*Thumbnail
	if err := json.Unmarshal(x.Output.JSON(), &made); err != nil || len(made) != 4 || made[2] != nil {
		t.Fatalf("it made %s, %v", x.Output, err)
	}
	check(t, made[0], 4, 2)
	check(t, made[1], 16, 8)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := eng.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// halves makes an image of 32 x 16 pixels, the left half red, the right half blue, as PNG in base64.
func halves(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 32, 16))
	for y := range 16 {
		for x := range 32 {
			c := color.RGBA{R: 255, A: 255}
			if x >= 16 {
				c = color.RGBA{B: 255, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func check(t *testing.T, made *Thumbnail, width, height int) {
	t.Helper()
	if made == nil || made.Width != width || made.Height != height {
		t.Fatalf("it made %+v, want %d x %d", made, width, height)
	}
	raw, err := base64.StdEncoding.DecodeString(made.Image)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	left, _, _, _ := img.At(0, 0).RGBA()
	_, _, right, _ := img.At(width-1, height-1).RGBA()
	if left != 0xffff || right != 0xffff {
		t.Errorf("the colours are wrong: red %x on the left, blue %x on the right", left, right)
	}
}
