//go:build linux

package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

func TestAPictureKeepsTheColoursItHasMost(t *testing.T) {
	shot := image.NewRGBA(image.Rect(0, 0, 400, 100))
	for y := range 100 {
		for x := range 400 {
			shot.Set(x, y, color.RGBA{250, 250, 250, 255})
		}
	}
	for x := range 400 { // more colours than there is room for, once each
		shot.Set(x, 0, color.RGBA{uint8(x), uint8(x >> 3), 7, 255})
	}
	var text bytes.Buffer
	if err := png.Encode(&text, shot); err != nil {
		t.Fatal(err)
	}
	small, err := shrink(text.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(small))
	if err != nil || got.Bounds() != shot.Bounds() {
		t.Fatalf("%v, %v", got, err)
	}
	if c := color.RGBAModel.Convert(got.At(200, 50)); c != (color.RGBA{250, 250, 250, 255}) {
		t.Errorf("the paper became %v", c)
	}
	if _, few := got.(*image.Paletted); !few {
		t.Errorf("it has more colours than a palette: %T", got)
	}
	if _, err := shrink([]byte("none")); err == nil {
		t.Error("what is no picture was made small")
	}
}
