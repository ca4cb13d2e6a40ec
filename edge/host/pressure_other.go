//go:build !linux

package host

import "time"

// WaitedForCPU is not known here.
func WaitedForCPU() (waited time.Duration, ok bool) { return 0, false }
