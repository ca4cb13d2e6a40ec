package clock

import (
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// boot names this boot of the computer, which no process outlives.
var boot = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || len(id) > maxBootBytes {
		return ""
	}
	return strings.TrimSpace(string(id))
})

// Device reads the clocks of this computer.
func Device() Reading {
	r := Reading{Wall: time.Now()}
	var up unix.Timespec
	if id := boot(); id != "" && unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) == nil {
		r.Boot, r.Up = id, time.Duration(up.Nano())
	}
	return r
}
