package wire

import (
	"strconv"
	"strings"
	"time"
)

// maxLay is the longest time that the server says for which it had a ping.
const maxLay = time.Hour

// PingPayload is that of an endpoint's ping by which it measures a round trip.
func PingPayload(number uint64) []byte { return strconv.AppendUint(nil, number, 10) }

// PingLay is the payload of the pong that goes out before the answer to a ping and
// tells for how long the server had it. It reports false for a ping that measures
// nothing.
func PingLay(ping string, lay time.Duration) ([]byte, bool) {
	if _, err := strconv.ParseUint(ping, 10, 64); err != nil {
		return nil, false
	}
	us := min(max(lay, 0), maxLay).Microseconds()
	return strconv.AppendInt([]byte(ping+"+"), us, 10), true
}

// ParsePong reads what [PingLay] made, or the answer to a ping, which is the payload
// of [PingPayload] again. Number is 0 for everything else.
func ParsePong(payload string) (number uint64, lay time.Duration, isLay bool) {
	first, rest, isLay := strings.Cut(payload, "+")
	number, err := strconv.ParseUint(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	if !isLay {
		return number, 0, false
	}
	us, err := strconv.ParseUint(rest, 10, 64)
	if err != nil || us > uint64(maxLay.Microseconds()) {
		return 0, 0, false
	}
	return number, time.Duration(us) * time.Microsecond, true
}
