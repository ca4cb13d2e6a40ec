//go:build !linux && !windows

package host

import (
	"fmt"
	"syscall"
	"time"
)

// IdleIO does nothing: what macOS has (setiopolicy_np) is in its C library only.
func IdleIO() error { return nil }

// IdleCPU lets all others have the processor first.
func IdleCPU() error {
	const nicest = 19
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, nicest); err != nil {
		return fmt.Errorf("lower the priority: %w", err)
	}
	return nil
}

// OwnWaitForCPU is not known here.
func OwnWaitForCPU() time.Duration { return 0 }
