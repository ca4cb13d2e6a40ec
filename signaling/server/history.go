package server

import (
	"fmt"
	"path/filepath"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/history"
	"github.com/sitecast/sitecast/signaling/units"
)

// newHistory makes the recorder of what a board shows; nil where it is not wanted.
func newHistory(cfg Config, of *board.Board) (*history.Recorder, error) {
	if cfg.History == 0 {
		return nil, nil
	}
	store, err := history.Open(filepath.Join(cfg.Data, "history"), cfg.History)
	if err != nil {
		return nil, err
	}
	return history.New(store, of, cfg.Log), nil
}

// historyBytes reads --history.
func historyBytes(text string) (int64, error) {
	if text == "" || text == "0" || text == "none" {
		return 0, nil
	}
	var size units.Size
	if err := size.UnmarshalText([]byte(text)); err != nil {
		return 0, fmt.Errorf("--history: %w", err)
	}
	if size < history.LeastBytes {
		return 0, fmt.Errorf("--history %s: give at least %s, or 0 for none", text, units.Bytes(history.LeastBytes))
	}
	return int64(size), nil
}
