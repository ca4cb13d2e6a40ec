package host

import (
	"io"
	"os"
	"time"
)

// WaitedForCPU is for how long, since the computer began, some program was ready to
// run and had no processor. ok is false where that is not known: before Linux 4.20,
// and where its kernel does not account pressure.
func WaitedForCPU() (waited time.Duration, ok bool) { return waitedFor("cpu") }

// WaitedForDisk is for how long, since the computer began, some program waited for a
// disk, whichever. ok is false where that is not known, as for [WaitedForCPU].
func WaitedForDisk() (waited time.Duration, ok bool) { return waitedFor("io") }

func waitedFor(what string) (waited time.Duration, ok bool) {
	f, err := os.Open("/proc/pressure/" + what)
	if err != nil {
		return 0, false
	}
	defer f.Close() // it is only read from
	text, err := io.ReadAll(io.LimitReader(f, maxPressure))
	if err != nil {
		return 0, false
	}
	return total(string(text))
}
