package rtc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"
)

// renewBefore is the life that a certificate has left when the next is made. Those
// of pion live for 30 days, and it refuses to use one beyond them.
const renewBefore = 7 * 24 * time.Hour

// certificate returns the DTLS certificate for a new connection. All connections
// share one, because making it costs milliseconds; those that are up keep theirs.
func (t *Transport) certificate() (webrtc.Certificate, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cert != nil && time.Until(t.cert.Expires()) > renewBefore {
		return *t.cert, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("make DTLS key: %w", err)
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("make DTLS certificate: %w", err)
	}
	t.cert = cert
	return *cert, nil
}
