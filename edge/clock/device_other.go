//go:build !linux

package clock

import "time"

// Device reads the clocks of this computer: the one that people set, as the one that
// counts from its boot is not asked here.
func Device() Reading { return Reading{Wall: time.Now()} }
