//go:build !linux

package host

import "time"

// WaitedForCPU is not known here.
func WaitedForCPU() (waited time.Duration, ok bool) { return 0, false }

// WaitedForDisk is not known here.
func WaitedForDisk() (waited time.Duration, ok bool) { return 0, false }
