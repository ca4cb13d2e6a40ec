package host

import (
	"io"
	"os"
	"time"
)

// WaitedForCPU is for how long, since the computer began, some program was ready to
// run and had no processor. ok is false where that is not known: before Linux 4.20,
// and where its kernel does not account pressure.
func WaitedForCPU() (waited time.Duration, ok bool) {
	f, err := os.Open("/proc/pressure/cpu")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPressure))
	if err != nil {
		return 0, false
	}
	return total(string(text))
}
