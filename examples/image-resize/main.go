// Command image-resize is a worker: it makes thumbnails of images, for the state machine beside it. It polls for its tasks,
// so that it may run where nothing can reach it.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	"image/png"
	"os"
	"os/signal"
	"syscall"

	"github.com/tercel-workflows/tercel/worker"
)

// maxPixels bounds what an image may take in memory.
const maxPixels = 64 << 20

// Job is the input of a task: an image, in base64, and how wide its thumbnail is to be.
type Job struct {
	Image string `json:"image"`
	Width int    `json:"width"`
}

// Thumbnail is the result of a task.
type Thumbnail struct {
	Image         string `json:"image"` // PNG, in base64
	Width, Height int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newWorker(worker.Config{Concurrency: 4, Create: true}).Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "image-resize:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

func newWorker(cfg worker.Config) *worker.Worker {
	w := worker.New(cfg)
	worker.Handle(w, "resize", resize)
	return w
}

func resize(ctx context.Context, job Job) (Thumbnail, error) {
	raw, err := base64.StdEncoding.DecodeString(job.Image)
	if err != nil {
		return Thumbnail{}, &worker.Error{Name: "Image.Corrupt", Cause: err.Error()}
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(raw))
	switch {
	case errors.Is(err, image.ErrFormat):
		return Thumbnail{}, &worker.Error{Name: "Image.UnknownFormat", Cause: "it is neither PNG nor JPEG nor GIF"}
	case err != nil:
		return Thumbnail{}, &worker.Error{Name: "Image.Corrupt", Cause: err.Error()}
	case config.Width*config.Height > maxPixels:
		return Thumbnail{}, &worker.Error{Name: "Image.TooLarge", Cause: fmt.Sprintf("%d x %d pixels", config.Width, config.Height)}
	case job.Width <= 0 || job.Width > config.Width:
		return Thumbnail{}, &worker.Error{Name: "Image.Width", Cause: fmt.Sprintf("a width of %d makes no thumbnail of %d", job.Width, config.Width)}
	}
	source, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return Thumbnail{}, &worker.Error{Name: "Image.Corrupt", Cause: err.Error()}
	}
	small := image.NewRGBA64(image.Rect(0, 0, job.Width, max(1, config.Height*job.Width/config.Width)))
	if err := shrink(ctx, small, source); err != nil {
		return Thumbnail{}, err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, small); err != nil {
		return Thumbnail{}, fmt.Errorf("writing the thumbnail: %w", err)
	}
	return Thumbnail{base64.StdEncoding.EncodeToString(out.Bytes()), small.Rect.Dx(), small.Rect.Dy()}, nil
}
