//go:build linux

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// most is how many bytes a picture of the README may take.
const most = 150_000

// shrinkAll makes the pictures for the README.
func shrinkAll(o options) error {
	if o.readme == "" {
		return nil
	}
	if err := os.MkdirAll(o.readme, 0o755); err != nil {
		return err
	}
	for _, name := range forReadme {
		text, err := os.ReadFile(filepath.Join(o.out, name+".png"))
		if err != nil {
			return err
		}
		small, err := shrink(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(small) > most {
			return fmt.Errorf("%s takes %d bytes, want %d at most", name, len(small), most)
		}
		if err := os.WriteFile(filepath.Join(o.readme, name+".png"), small, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// shrink writes a picture with the 256 colours that it has most; others become the nearest of
// them. Pages have few colours, and the edges of letters.
func shrink(text []byte) ([]byte, error) {
	shot, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	times := map[color.RGBA]int{}
	each(shot, func(_, _ int, c color.RGBA) { times[c]++ })
	often := slices.SortedFunc(maps.Keys(times), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(times[b], times[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	palette := make(color.Palette, 0, 256)
	for _, c := range often[:min(len(often), 256)] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(shot.Bounds(), palette)
	nearest := map[color.RGBA]uint8{}
	each(shot, func(x, y int, c color.RGBA) {
		i, known := nearest[c]
		if !known {
			i = uint8(palette.Index(c))
			nearest[c] = i
		}
		out.SetColorIndex(x, y, i)
	})
	var small bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, out)
	return small.Bytes(), err
}

// each calls do with every pixel.
func each(shot image.Image, do func(x, y int, c color.RGBA)) {
	b := shot.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			do(x, y, color.RGBAModel.Convert(shot.At(x, y)).(color.RGBA))
		}
	}
}
