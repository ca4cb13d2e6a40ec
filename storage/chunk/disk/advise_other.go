//go:build !linux

package disk

import "os"

// The cache is left to the system where nothing tells it what is not needed.

func adviseRandom(*os.File) {}

func dropCached(*os.File, int64, int64) {}

func coldPart(_ *os.File, at, _ int64) (coldAt, coldBytes int64) { return at, 0 }
