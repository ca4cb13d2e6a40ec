package host

import (
	"fmt"
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
