// Package host is what an endpoint can know of the computer it runs on.
package host

import (
	"strconv"
	"strings"
	"time"
)

// maxPressure bounds what is read of a pressure file.
const maxPressure = 4 << 10

// total finds for how long some task was held up, in a pressure file of Linux: lines
// like "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234", in microseconds
// (Documentation/accounting/psi.rst).
func total(text string) (time.Duration, bool) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "some" {
			continue
		}
		number, found := strings.CutPrefix(fields[len(fields)-1], "total=")
		us, err := strconv.ParseInt(number, 10, 64)
		if found && err == nil && us >= 0 && us <= int64(time.Duration(1<<63-1)/time.Microsecond) {
			return time.Duration(us) * time.Microsecond, true
		}
	}
	return 0, false
}
