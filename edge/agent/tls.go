package agent

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrPin means that the server's certificate chain does not contain the key that
// the enrolment token names.
var ErrPin = errors.New("the server's certificate is not the one the enrolment token names")

// pinned returns the TLS settings for the server at host (which TLS itself does not
// tell when it is an address). With a pin (the hex SHA-256 of
// a certificate's SubjectPublicKeyInfo) the chain must lead to that key, whatever
// the system trusts and whatever the device clock says about the certificate's
// dates: a till whose battery died still finds its server. Without a pin the
// system's authorities decide. Others may be trusted besides the pin: some networks
// open TLS and close it again with a certificate of their own. What they see of the
// signaling is not secret from whoever runs the endpoint's network; content is
// signed, and links are encrypted between endpoints.
func pinned(pin, host string, others *x509.CertPool) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if pin == "" && others == nil {
		return cfg
	}
	cfg.InsecureSkipVerify = true // replaced by the check below
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		var err error
		if pin != "" {
			err = checkPin(state.PeerCertificates, host, pin)
		} else {
			err = vouched(state.PeerCertificates, host, nil)
		}
		if err != nil && others != nil && vouched(state.PeerCertificates, host, others) == nil {
			return nil
		}
		return err
	}
	return cfg
}

// originTLS returns the settings for who has packs: the server, or another host. For
// another the authorities of the system vouch, or those that were named.
func (a *agent) originTLS(host string, own bool) *tls.Config {
	if own {
		return pinned(a.id.Pin, a.cfg.Server.Hostname(), a.cfg.Authorities)
	}
	return pinned("", host, a.cfg.Authorities)
}

// vouched checks that authorities vouch for the host; nil are those of the system.
func vouched(chain []*x509.Certificate, host string, by *x509.CertPool) error {
	if len(chain) == 0 {
		return errors.New("the server shows no certificate")
	}
	middle := x509.NewCertPool()
	for _, cert := range chain[1:] {
		middle.AddCert(cert)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: by, Intermediates: middle})
	return err
}

// checkPin verifies that the leaf is for the host and was signed, directly or
// through the chain, by the pinned key.
func checkPin(chain []*x509.Certificate, host, pin string) error {
	if len(chain) == 0 {
		return ErrPin
	}
	if err := chain[0].VerifyHostname(host); err != nil {
		return err
	}
	for i, cert := range chain {
		if spki(cert) == pin {
			return nil
		}
		if i+1 == len(chain) {
			break
		}
		if err := cert.CheckSignatureFrom(chain[i+1]); err != nil {
			return fmt.Errorf("%w: %w", ErrPin, err)
		}
	}
	return fmt.Errorf("%w: the server was set up anew, or something stands in between; "+
		"get a new token with `sitecast enrol` if you trust it, or name the authority of your network's TLS inspection with --ca-file", ErrPin)
}

func spki(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}
