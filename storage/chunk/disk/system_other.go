//go:build !linux

package disk

import (
	"errors"
	"os"
)

func syncFileSystem(*os.File) error { return errors.ErrUnsupported }

func allocate(f *os.File, size int64) error { return f.Truncate(size) }
