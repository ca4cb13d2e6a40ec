package rtc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"
)

var errFingerprint = errors.New("session description must carry one SHA-256 fingerprint")

// fingerprint returns the DTLS fingerprint of a session description in the form
// "sha-256 AA:BB:...". There must be one only: with two, the one that was signed might
// not be the one that is used. The text is read by the
// parser that pion uses, because any other would see other lines in it: this one
// takes a lone carriage return for a line's end in some places and not in others.
func fingerprint(sdp string) (string, error) {
	desc := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}
	parsed, err := desc.Unmarshal()
	if err != nil {
		return "", fmt.Errorf("%w: %w", errFingerprint, err)
	}
	attributes := parsed.Attributes
	for _, media := range parsed.MediaDescriptions {
		attributes = append(attributes, media.Attributes...)
	}
	found := ""
	for _, a := range attributes {
		if !strings.EqualFold(strings.TrimSpace(a.Key), "fingerprint") {
			continue
		}
		algorithm, digest, _ := strings.Cut(a.Value, " ")
		if found != "" {
			return "", fmt.Errorf("%w: there are two", errFingerprint)
		}
		found = strings.ToLower(algorithm) + " " + strings.ToUpper(digest)
	}
	if digest, ok := strings.CutPrefix(found, "sha-256 "); !ok || !isDigest(digest) {
		return "", fmt.Errorf("%w: found %.100q", errFingerprint, found)
	}
	return found, nil
}

// isDigest reports whether s is 32 bytes as "AA" joined by ":".
func isDigest(s string) bool {
	parts := strings.Split(s, ":")
	for _, p := range parts {
		if len(p) != 2 || strings.Trim(p, "0123456789ABCDEF") != "" {
			return false
		}
	}
	return len(parts) == 32
}
