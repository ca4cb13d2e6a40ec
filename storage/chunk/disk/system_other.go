//go:build !linux

package disk

import (
	"errors"
	"os"
)

func syncFileSystem(*os.File) error { return errors.ErrUnsupported }

func allocate(f *os.File, at, bytes int64) error { return lengthen(f, at+bytes) }

func cloneRange(*os.File, *os.File, int64, int64, int64) error { return errors.ErrUnsupported }
