package agent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"
)

const host = "10.0.0.1"

// chain is a certificate for a host and the authorities above it.
type chain struct {
	leaf, between, ca *x509.Certificate
	key               *ecdsa.PrivateKey // of the leaf
	caKey             *ecdsa.PrivateKey
}

// issue makes a certificate for name that parent signs; with no parent it signs
// itself. It is valid for an hour around now.
func issue(t *testing.T, name string, isCA bool, now time.Time, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-30 * time.Minute), NotAfter: now.Add(30 * time.Minute), BasicConstraintsValid: true, IsCA: isCA}
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign
	} else if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func newChain(t *testing.T, host string) *chain { return newChainAt(t, host, time.Now()) }

func newChainAt(t *testing.T, host string, now time.Time) *chain {
	t.Helper()
	c := new(chain)
	var betweenKey *ecdsa.PrivateKey
	c.ca, c.caKey = issue(t, "root", true, now, nil, nil)
	c.between, betweenKey = issue(t, "between", true, now, c.ca, c.caKey)
	c.leaf, c.key = issue(t, host, false, now, c.between, betweenKey)
	return c
}

func (c *chain) certs() []*x509.Certificate { return []*x509.Certificate{c.leaf, c.between, c.ca} }

func (c *chain) certificate() tls.Certificate {
	out := tls.Certificate{PrivateKey: c.key}
	for _, cert := range c.certs() {
		out.Certificate = append(out.Certificate, cert.Raw)
	}
	return out
}

func pinOf(cert *x509.Certificate) string { return hexSum(cert.RawSubjectPublicKeyInfo) }
