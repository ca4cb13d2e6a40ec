package server_test

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
	"io"
	"log/slog"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/wire"
)

// issued is an operator's own certificate, as PEM.
type issued struct {
	cert, key []byte
	serial    int64
	pin       string
}

// issue makes a self-signed certificate.
func issue(t *testing.T, serial int64) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{"sitecast.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return issued{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), serial, hex.EncodeToString(sum[:])}
}

// put writes a file whose time of change is by, so that two writes within a tick of
// the file system's clock differ.
func put(t *testing.T, path string, text []byte, by time.Time) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, by, by); err != nil {
		t.Fatal(err)
	}
}

// chain returns the certificates that the server shows now.
func (s *stand) chain() []*x509.Certificate {
	s.t.Helper()
	conn, err := s.net.DialContext(s.t.Context(), "tcp", address)
	s.must(err)
	client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) // the test looks at it itself
	s.must(client.Handshake())
	defer client.Close()
	return client.ConnectionState().PeerCertificates
}

func (s *stand) wantSerial(want int64) {
	s.t.Helper()
	if got := s.chain()[0].SerialNumber.Int64(); got != want {
		s.t.Errorf("the server shows certificate %d, want %d", got, want)
	}
}

// pin returns the one in a fresh enrolment token.
func (s *stand) pin() string {
	s.t.Helper()
	var made api.MadeEnrolment
	secret := s.admin()
	req := api.NewEnrolment{Site: "shop-1", Uses: 1, TTLSeconds: 60}
	resp, text, err := s.do("127.0.0.1", "POST", "http://"+address+"/api/v1/enrolments", secret, req)
	s.must(err)
	if resp.StatusCode != 200 {
		s.t.Fatalf("answered %d %s", resp.StatusCode, text)
	}
	_, rest, _ := strings.Cut(string(text), `"token":"`)
	made.Token, _, _ = strings.Cut(rest, `"`)
	token, err := wire.ParseEnrolToken(made.Token)
	s.must(err)
	return token.Pin
}

func TestACertificateThatChangedIsLoadedAndItsPinHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
		one, two := issue(t, 1), issue(t, 2)
		put(t, certFile, one.cert, time.Unix(1, 0))
		put(t, keyFile, one.key, time.Unix(1, 0))
		data := t.TempDir()
		makeCA(t, data) // the helpers of the stand want the file
		s := newStand(t, data, func(cfg *server.Config) { cfg.TLSCert, cfg.TLSKey = certFile, keyFile })
		resp, text, err := s.do("127.0.0.1", "POST", "http://"+address+"/api/v1/sites", s.admin(), api.NewSite{Name: "shop-1"})
		s.must(err)
		if resp.StatusCode != 200 {
			t.Fatalf("answered %d %s", resp.StatusCode, text)
		}
		s.wantSerial(1)
		if got := s.pin(); got != one.pin {
			t.Errorf("pin = %q, want %q", got, one.pin)
		}
		put(t, certFile, two.cert, time.Unix(2, 0)) // its key is still on the way
		time.Sleep(server.ReloadEvery)
		s.wantSerial(1)
		if !strings.Contains(s.logged(), "keeping the old certificate") {
			t.Errorf("the log does not tell of the certificate without its key: %s", s.logged())
		}
		put(t, keyFile, two.key, time.Unix(2, 0))
		time.Sleep(server.ReloadEvery)
		s.wantSerial(2)
		if got := s.pin(); got != two.pin {
			t.Errorf("pin after the change = %q, want %q", got, two.pin)
		}
		s.must(os.Remove(certFile))
		time.Sleep(server.ReloadEvery)
		s.wantSerial(2)
		s.end()
	})
}

// makeCA starts a server once, for its private CA.
func makeCA(t *testing.T, data string) {
	t.Helper()
	s := newStand(t, data)
	s.end()
}

func TestThePrivateCertificateIsForTheServersNames(t *testing.T) {
	data := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, data)
		chain := s.chain()
		if len(chain) != 2 || !chain[1].IsCA || chain[0].CheckSignatureFrom(chain[1]) != nil {
			t.Fatalf("a chain of %d, want the certificate and its CA", len(chain))
		}
		for _, host := range []string{"localhost", "127.0.0.1", "::1", "10.0.0.1"} {
			if err := chain[0].VerifyHostname(host); err != nil {
				t.Error(err)
			}
		}
		s.end()
	})
	before := readFile(t, data, "server.pem")
	synctest.Test(t, func(t *testing.T) { // another name makes another certificate, of the same CA
		ca := readFile(t, data, "ca.pem")
		s := newStand(t, data, func(cfg *server.Config) { cfg.PublicURL = &url.URL{Scheme: "https", Host: "sitecast.example:8443"} })
		if err := s.chain()[0].VerifyHostname("sitecast.example"); err != nil {
			t.Error(err)
		}
		s.end()
		if readFile(t, data, "server.pem") == before || readFile(t, data, "ca.pem") != ca {
			t.Error("want a new certificate and the old CA")
		}
	})
}

func readFile(t *testing.T, data, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThePrivateCertificateIsRenewedBeforeItsEnd(t *testing.T) {
	data := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		newStand(t, data).end()
		before := readFile(t, data, "server.pem")
		time.Sleep(397*24*time.Hour - 61*24*time.Hour)
		newStand(t, data).end()
		if readFile(t, data, "server.pem") != before {
			t.Error("61 days before its end the certificate was made anew")
		}
		time.Sleep(2 * 24 * time.Hour)
		newStand(t, data).end()
		if readFile(t, data, "server.pem") == before {
			t.Error("59 days before its end the certificate was not made anew")
		}
	})
}

// TestPrivateFilesThatAreLost: what can be made anew is, and what endpoints hold on
// to is not replaced behind the operator's back.
func TestPrivateFilesThatAreLost(t *testing.T) {
	for _, c := range []struct {
		name   string
		lose   []string
		refuse string // what the error names; empty: the server starts
	}{
		{"the server's key", []string{"server.key"}, ""},
		{"the server's certificate", []string{"server.pem"}, ""},
		{"the CA's key", []string{"ca.key"}, "ca.key"},
		{"the CA's certificate, never written", []string{"ca.pem", "server.pem", "server.key"}, ""},
		{"the root key, kept offline", []string{"root.key"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := t.TempDir()
			synctest.Test(t, func(t *testing.T) { newStand(t, data).end() })
			ca := readFile(t, data, "ca.pem")
			for _, name := range c.lose {
				if err := os.Remove(filepath.Join(data, name)); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Test(t, func(t *testing.T) {
				if c.refuse != "" {
					_, err := server.New(t.Context(), server.Config{Data: data, Packs: filepath.Join(data, "packs"), Listen: "127.0.0.1:0",
						Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
					if err == nil || !strings.Contains(err.Error(), c.refuse) {
						t.Errorf("started with %v, want an error about %s", err, c.refuse)
					}
					if readFile(t, data, "ca.pem") != ca {
						t.Error("the CA that endpoints trust was replaced")
					}
					return
				}
				s := newStand(t, data)
				s.call("GET", "/readyz", "", nil, nil)
				s.end()
			})
		})
	}
}

func TestFilesThatAreNoneAreRefusedAtTheStart(t *testing.T) {
	for name, text := range map[string]string{"ca.pem": "no PEM", "ca.key": "no PEM", "root.pub": "no PEM", "token.key": "no PEM", "url.key": "short"} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				newStand(t, data).end()
				put(t, filepath.Join(data, name), []byte(text), time.Unix(1, 0))
				_, err := server.New(t.Context(), server.Config{Data: data, Packs: filepath.Join(data, "packs"), Listen: "127.0.0.1:0",
					Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
				if err == nil {
					t.Errorf("started with a %s that holds %q", name, text)
				}
			})
		})
	}
}
