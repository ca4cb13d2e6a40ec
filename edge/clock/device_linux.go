package clock

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// bootID names this boot of the computer.
const bootID = "/proc/sys/kernel/random/boot_id"

// Device reads the clocks of this computer.
func Device() Reading {
	r := Reading{Wall: time.Now()}
	var up unix.Timespec
	id, err := os.ReadFile(bootID)
	if err != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) != nil {
		return r
	}
	r.Boot, r.Up = strings.TrimSpace(string(id)), time.Duration(up.Nano())
	return r
}
