package main

import (
	"context"
	"image"
	"image/color"
)

// shrink makes each pixel of a small image the average of those that it stands for.
func shrink(ctx context.Context, small *image.RGBA64, source image.Image) error {
	from, to := source.Bounds(), small.Bounds()
	for y := range to.Dy() {
		if err := context.Cause(ctx); err != nil { // nobody waits for it any more
			return err
		}
		top, bottom := y*from.Dy()/to.Dy(), max((y+1)*from.Dy()/to.Dy(), y*from.Dy()/to.Dy()+1)
		for x := range to.Dx() {
			left, right := x*from.Dx()/to.Dx(), max((x+1)*from.Dx()/to.Dx(), x*from.Dx()/to.Dx()+1)
			small.SetRGBA64(x, y, average(source, from.Min, image.Rect(left, top, right, bottom)))
		}
	}
	return nil
}

func average(source image.Image, origin image.Point, area image.Rectangle) color.RGBA64 {
	var r, g, b, a, n uint64
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			red, green, blue, alpha := source.At(origin.X+x, origin.Y+y).RGBA()
			r, g, b, a, n = r+uint64(red), g+uint64(green), b+uint64(blue), a+uint64(alpha), n+1
		}
	}
	return color.RGBA64{R: uint16(r / n), G: uint16(g / n), B: uint16(b / n), A: uint16(a / n)}
}
