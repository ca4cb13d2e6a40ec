//go:build linux

package screen

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"time"
)

// Colours of a screen, besides those of pages.
var (
	Black     = color.RGBA{A: 255}                            // with nothing on it
	Preparing = color.RGBA{R: 0xf4, G: 0xf6, B: 0xf8, A: 255} // the kiosk's own page, before there is a version
)

// lookStep is how often a screen is looked at that is waited for.
const lookStep = 50 * time.Millisecond

// enough is the share of a screen that counts as all of it: the rest is text.
const enough = 0.8

// Page makes a folder with a page that is all of one colour and says something.
func Page(dir, says string, c color.RGBA) error {
	page := fmt.Sprintf(`<!doctype html><meta charset="utf-8"><title>%[1]s</title><link rel="stylesheet" href="style.css"><h1>%[1]s</h1>`, says)
	style := fmt.Sprintf("html { background: rgb(%d %d %d); color: white; font: 4rem sans-serif; }", c.R, c.G, c.B)
	return errors.Join(os.MkdirAll(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "index.html"), []byte(page), 0o600),
		os.WriteFile(filepath.Join(dir, "style.css"), []byte(style), 0o600))
}

// Until waits until nearly all of the screen is of a colour.
func (s *Screen) Until(ctx context.Context, want color.RGBA) error {
	for {
		got, share, err := s.Colour()
		if err != nil || got == want && share > enough {
			return err
		}
		select {
		case <-time.After(lookStep):
		case <-ctx.Done():
			return fmt.Errorf("%.0f %% of the screen is %v, want %v: %w", 100*share, got, want, ctx.Err())
		}
	}
}
