//go:build linux

// Package screen is a screen that nobody sees, for programs of a kiosk to show something
// on: a virtual X server, whose picture is read as it is. Stories look at it as who stands
// before a kiosk does, whatever the program believes that it shows.
package screen

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Program is the X server.
const Program = "Xvfb"

// Screen is one X server.
type Screen struct {
	cmd    *exec.Cmd
	number int
	frame  string // the file that it draws in
}

// Start starts a screen of a size; what it keeps lies in a folder.
func Start(dir string, width, height int) (*Screen, error) {
	said, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer said.Close()
	cmd := exec.Command(Program, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-fbdir", dir, "-nolisten", "tcp", "-noreset")
	cmd.ExtraFiles = []*os.File{theirs}
	err = cmd.Start()
	_ = theirs.Close() // the server has its own
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", Program, err)
	}
	s := &Screen{cmd: cmd, frame: filepath.Join(dir, "Xvfb_screen0")}
	line, err := bufio.NewReader(said).ReadString('\n') // its number, once it listens
	if err == nil {
		s.number, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s did not start: %w", Program, err), s.Close())
	}
	return s, nil
}

// Display is what programs know the screen by, as variable DISPLAY.
func (s *Screen) Display() string { return fmt.Sprintf(":%d", s.number) }

// Close switches the screen off.
func (s *Screen) Close() error {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // it was killed
	return nil
}

// The header of an X window dump (XWDFile.h): big-endian words, of which these are used;
// colours of the map follow it, 12 bytes each, and then the lines.
const (
	wordHeaderSize = 0
	wordWidth      = 4
	wordHeight     = 5
	wordBits       = 11 // of a pixel
	wordLineBytes  = 12
	wordColours    = 19
	headerWords    = 25
)

// Picture is what the screen shows now.
func (s *Screen) Picture() (*image.RGBA, error) {
	text, err := os.ReadFile(s.frame)
	if err != nil {
		return nil, fmt.Errorf("look at the screen: %w", err)
	}
	if len(text) < 4*headerWords {
		return nil, fmt.Errorf("look at the screen: %d bytes", len(text))
	}
	word := func(i int) int { return int(binary.BigEndian.Uint32(text[4*i:])) }
	start := word(wordHeaderSize) + 12*word(wordColours)
	width, height, line := word(wordWidth), word(wordHeight), word(wordLineBytes)
	if word(wordBits) != 32 || line < 4*width || len(text) < start+height*line {
		return nil, fmt.Errorf("look at the screen: %d lines of %d bytes with %d bits a pixel are not what is drawn by %s", height, line, word(wordBits), Program)
	}
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			p := text[start+y*line+4*x:]
			picture.SetRGBA(x, y, color.RGBA{R: p[2], G: p[1], B: p[0], A: 255})
		}
	}
	return picture, nil
}

// Colour is what most of the screen shows now, and the share of it, up to 1.
func (s *Screen) Colour() (most color.RGBA, share float64, err error) {
	picture, err := s.Picture()
	if err != nil {
		return most, 0, err
	}
	counts := map[color.RGBA]int{}
	for i := 0; i < len(picture.Pix); i += 4 {
		c := color.RGBA{picture.Pix[i], picture.Pix[i+1], picture.Pix[i+2], picture.Pix[i+3]}
		counts[c]++
		if counts[c] > counts[most] {
			most = c
		}
	}
	return most, float64(counts[most]) / float64(len(picture.Pix)/4), nil
}

// Keep writes what the screen shows now to a file, as PNG.
func (s *Screen) Keep(path string) error {
	picture, err := s.Picture()
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(f, picture), f.Close())
}
