package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/storage/durable"
)

const (
	caLifetime     = 20 * 365 * 24 * time.Hour
	serverLifetime = 397 * 24 * time.Hour
	// renewBefore is how long before its end the private CA's certificate for the
	// server is made anew, at a start.
	renewBefore = 60 * 24 * time.Hour
	// reloadEvery bounds how often certificate files are looked at.
	reloadEvery = time.Second
)

// certificates holds the server's certificate and follows its files.
type certificates struct {
	certFile, keyFile string
	log               *slog.Logger

	// mu guards the rest.
	mu      sync.Mutex
	cert    *tls.Certificate
	pin     string    // for enrolment tokens
	changed time.Time // of the file, as loaded
	looked  time.Time
}

// openCertificates loads the files named in cfg, or those of the private CA.
func openCertificates(cfg Config) (*certificates, error) {
	c := &certificates{certFile: cfg.TLSCert, keyFile: cfg.TLSKey, log: cfg.Log}
	if c.certFile == "" {
		c.certFile, c.keyFile = filepath.Join(cfg.Data, "server.pem"), filepath.Join(cfg.Data, "server.key")
		if err := privateCertificate(cfg.Data, c.certFile, c.keyFile, hosts(cfg)); err != nil {
			return nil, fmt.Errorf("make the server's certificate: %w", err)
		}
	}
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("load the server's certificate: %w", err)
	}
	return c, nil
}

// hosts are the names and addresses the private certificate is for.
func hosts(cfg Config) []string {
	list := []string{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(cfg.Listen); err == nil && host != "" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			list = append(list, host)
		}
	}
	if cfg.PublicURL != nil {
		list = append(list, cfg.PublicURL.Hostname())
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// pinOf chooses what endpoints must find in the chain: the topmost certificate,
// unless the chain is one that every system trusts anyway.
func pinOf(cert *tls.Certificate) (string, error) {
	var chain []*x509.Certificate
	for _, der := range cert.Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return "", err
		}
		chain = append(chain, cert)
	}
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Intermediates: between}); err == nil {
		return "", nil
	}
	sum := sha256.Sum256(chain[len(chain)-1].RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:]), nil
}

// Pin is that of the certificate in use, for enrolment tokens.
func (c *certificates) Pin() string {
	c.current(time.Now())
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pin
}

func (c *certificates) load() error {
	info, err := os.Stat(c.certFile)
	if err != nil {
		return err
	}
	cert, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	pin, err := pinOf(&cert)
	if err != nil {
		return err
	}
	c.cert, c.pin, c.changed = &cert, pin, info.ModTime()
	return nil
}

func (c *certificates) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(time.Now()), nil }}
}

// current returns the certificate, loaded anew when its file changed. A file that
// can't be loaded leaves the old one in use.
func (c *certificates) current(now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.looked) < reloadEvery {
		return c.cert
	}
	c.looked = now
	if info, err := os.Stat(c.certFile); err == nil && !info.ModTime().Equal(c.changed) {
		if err := c.load(); err != nil {
			c.log.Error("keeping the old certificate: the new one can't be loaded", "file", c.certFile, "err", err)
		} else {
			c.log.Info("loaded a new certificate", "file", c.certFile)
		}
	}
	return c.cert
}

// privateCertificate makes sure that a CA is in dir and a certificate of its in
// certFile that is good for hosts for a while.
func privateCertificate(dir, certFile, keyFile string, hosts []string) error {
	ca, caKey, err := privateCA(dir)
	if err != nil {
		return err
	}
	if good(certFile, keyFile, ca, hosts) {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := template("Sitecast server", serverLifetime)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	if err != nil {
		return err
	}
	if err := writeKey(keyFile, key); err != nil {
		return err
	}
	// The CA is part of the chain, so that endpoints find the pinned key in it.
	chain := append(certPEM(der), certPEM(ca.Raw)...)
	return durable.WriteFile(certFile, chain, 0o644)
}

// good reports whether the certificate in a file was made by ca for hosts, has its
// key, and will last.
func good(certFile, keyFile string, ca *x509.Certificate, hosts []string) bool {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return false
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil || cert.CheckSignatureFrom(ca) != nil || time.Now().Add(renewBefore).After(cert.NotAfter) {
		return false
	}
	for _, h := range hosts {
		if cert.VerifyHostname(h) != nil {
			return false
		}
	}
	return true
}

// privateCA reads the CA in dir, or makes one.
func privateCA(dir string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err == nil {
		key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
		if !ok {
			return nil, nil, fmt.Errorf("%s is not an ECDSA key", keyFile)
		}
		cert, err := x509.ParseCertificate(pair.Certificate[0])
		return cert, key, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	// The key is written first, so a certificate without one was in use.
	if _, err := os.Stat(certFile); err == nil {
		return nil, nil, fmt.Errorf("%s is missing, and endpoints trust %s: restore the key, or name another certificate with "+
			"--tls-cert, or remove both to make a new CA and enrol all endpoints again", keyFile, certFile)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := template("Sitecast private CA", caLifetime)
	template.KeyUsage = x509.KeyUsageCertSign
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	if err := writeKey(keyFile, key); err != nil {
		return nil, nil, err
	}
	return cert, key, durable.WriteFile(certFile, certPEM(der), 0o644)
}

func template(name string, lifetime time.Duration) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	now := time.Now()
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime)}
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
