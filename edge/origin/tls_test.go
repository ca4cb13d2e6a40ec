package origin_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/edge/origin"
)

// A bucket may have the server's address, and only another port: its certificate is its
// own all the same.
func TestEachHostHasItsOwnSettingsOfTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObject(4, 1000)
		network := memnet.New(memnet.Path{})
		roots := x509.NewCertPool()
		for _, at := range []string{"127.0.0.1:443", "127.0.0.1:9000"} {
			l, err := network.Listen(at)
			if err != nil {
				t.Fatal(err)
			}
			// It could do HTTP/2, and nobody asks for it.
			server := &httptest.Server{Listener: l, EnableHTTP2: true, Config: &http.Server{Handler: http.HandlerFunc(o.handler)}}
			server.StartTLS()
			defer server.Close()
			roots.AddCert(server.Certificate())
		}
		trusted := map[bool]*x509.CertPool{true: roots, false: roots}
		var asked []bool
		client := origin.New(origin.Config{Base: &url.URL{Scheme: "https", Host: "127.0.0.1"}, Dial: network.DialContext,
			TLS: func(host string, own bool) *tls.Config {
				if host != "127.0.0.1" {
					t.Errorf("settings for %s", host)
				}
				asked = append(asked, own)
				return &tls.Config{RootCAs: trusted[own], NextProtos: []string{"h2"}}
			}})
		defer client.Close()
		ours, theirs := o.lease(), o.lease()
		theirs.URL = "https://127.0.0.1:9000" + ours.URL
		if _, err := fetch(client, o, ours); err != nil {
			t.Errorf("from the server: %v", err)
		}
		if _, err := fetch(client, o, theirs); err != nil {
			t.Errorf("from a bucket: %v", err)
		}
		synctest.Wait() // until its connections are idle
		client.Close()
		trusted[false] = x509.NewCertPool()
		if _, err := fetch(client, o, theirs); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("from a bucket that nobody vouches for: %v", err)
		}
		if !slices.Equal(asked, []bool{true, false, false}) {
			t.Errorf("settings asked for hosts that are the server: %v", asked)
		}
	})
}
