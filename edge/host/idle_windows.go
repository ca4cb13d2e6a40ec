package host

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// ioPriorityVeryLow is the I/O priority of what runs in the background.
const ioPriorityVeryLow uint32 = 0

// IdleIO gives the I/O of this process the lowest priority, which its threads have
// from then on.
func IdleIO() error {
	priority := ioPriorityVeryLow
	err := windows.NtSetInformationProcess(windows.CurrentProcess(), windows.ProcessIoPriority,
		unsafe.Pointer(&priority), uint32(unsafe.Sizeof(priority)))
	if err != nil {
		return fmt.Errorf("set the I/O priority: %w", err)
	}
	return nil
}

// IdleCPU lets all others have the processor first.
func IdleCPU() error {
	if err := windows.SetPriorityClass(windows.CurrentProcess(), windows.IDLE_PRIORITY_CLASS); err != nil {
		return fmt.Errorf("set the priority class: %w", err)
	}
	return nil
}

// OwnWaitForCPU is not known here.
func OwnWaitForCPU() time.Duration { return 0 }
