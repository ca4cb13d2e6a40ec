package rtc

import (
	"errors"
	"fmt"
	"strings"
)

var errFingerprint = errors.New("session description must carry one SHA-256 fingerprint")

// fingerprint returns the DTLS fingerprint of a session description in the form
// "sha-256 AA:BB:...". All its fingerprint attributes must agree: with two, the
// one that was signed might not be the one that is used.
func fingerprint(sdp string) (string, error) {
	found := ""
	for line := range strings.Lines(sdp) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "a=fingerprint:")
		if !ok {
			continue
		}
		algorithm, digest, _ := strings.Cut(value, " ")
		value = strings.ToLower(algorithm) + " " + strings.ToUpper(digest)
		if found != "" && found != value {
			return "", fmt.Errorf("%w: two differ", errFingerprint)
		}
		found = value
	}
	// 32 bytes as "AA" joined by ":".
	if digest, ok := strings.CutPrefix(found, "sha-256 "); !ok || len(digest) != 32*3-1 {
		return "", fmt.Errorf("%w: found %.100q", errFingerprint, found)
	}
	return found, nil
}
