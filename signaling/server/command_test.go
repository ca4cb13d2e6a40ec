package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/server"
)

// TestFlagsThatCannotBeAreRefusedBeforeAnythingIsMade gives each what to do instead.
func TestFlagsThatCannotBeAreRefusedBeforeAnythingIsMade(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server.Command)
		want   string
	}{
		"another database":            {func(c *server.Command) { c.Database = "mysql://db" }, "--database"},
		"a database of no such port":  {func(c *server.Command) { c.Database = "postgres://db:port/sitecast" }, "--database"},
		"a bus":                       {func(c *server.Command) { c.Bus = "nats://bus" }, "--bus"},
		"a bucket with its key":       {func(c *server.Command) { c.Packs = "s3://key:secret@bucket" }, "--packs"},
		"packs elsewhere":             {func(c *server.Command) { c.Packs = "gs://bucket" }, "in a folder, or in a bucket"},
		"a bucket over plain http":    {func(c *server.Command) { c.Packs = "s3://bucket?endpoint=http://s3.example" }, "--insecure-http"},
		"a certificate without key":   {func(c *server.Command) { c.TLSCert = "cert.pem" }, "--tls-key"},
		"a key without certificate":   {func(c *server.Command) { c.TLSKey = "key.pem" }, "--tls-cert"},
		"a reflector without port":    {func(c *server.Command) { c.Reflector = []string{"stun.example"} }, "--reflector"},
		"more reflectors than useful": {func(c *server.Command) { c.Reflector = slices.Repeat([]string{"a:1"}, 9) }, "--reflector"},
		"a level of log":              {func(c *server.Command) { c.LogLevel = "loud" }, "--log-level"},
		"a public URL without host":   {func(c *server.Command) { c.PublicURL = "https://" }, "--public-url"},
		"a public URL of no scheme":   {func(c *server.Command) { c.PublicURL = "sitecast.example:8443" }, "--public-url"},
		"a public URL over ftp":       {func(c *server.Command) { c.PublicURL = "ftp://sitecast.example" }, "--public-url"},
		"an address without port":     {func(c *server.Command) { c.Listen = "127.0.0.1" }, "--listen"},
		"a relay without port":        {func(c *server.Command) { c.TURNListen = "127.0.0.1" }, "--turn-listen"},
		"a relay nobody could reach":  {func(c *server.Command) { c.TURNListen = "0.0.0.0:3478" }, "--turn-public-ip"},
		"a public IP that is none":    {func(c *server.Command) { c.TURNListen, c.TURNPublicIP = "127.0.0.1:0", []string{"example.com"} }, "--turn-public-ip"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := server.Command{Data: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0", Database: "sqlite", LogLevel: "error", TURNListen: "none"}
			c.change(&cmd)
			ctx, stop := context.WithCancel(t.Context())
			stop() // a server that starts all the same ends at once
			err := cmd.Run(ctx)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("ran with %v, want an error about %s", err, c.want)
			}
			if _, err := os.Stat(cmd.Data); err == nil {
				t.Error("the data folder was made")
			}
		})
	}
}

// TestTheCommandGreetsAndServes runs the command on loopback, as a newcomer does.
func TestTheCommandGreetsAndServes(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		data := filepath.Join(t.TempDir(), "data")
		out, in := io.Pipe()
		var log bytes.Buffer
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		cmd := server.Command{Data: data, Listen: listen, Database: "sqlite", LogLevel: "info", TURNListen: "127.0.0.1:0", Stdout: in, Stderr: &log}
		go func() { done <- cmd.Run(ctx) }()
		lines := bufio.NewReader(out)
		first, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, lines) }()
		where := strings.TrimSpace(strings.TrimPrefix(first, "Sitecast runs at "))
		pem, err := os.ReadFile(filepath.Join(data, "ca.pem"))
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
		resp, err := client.Get(where + "/readyz")
		if err != nil {
			t.Fatalf("on %s: %v", listen, err)
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s answered %d", where, resp.StatusCode)
		}
		_ = resp.Body.Close()
		stop()
		if err := <-done; err != nil {
			t.Errorf("ended with %v", err)
		}
		_ = in.Close()
		if !strings.Contains(log.String(), "root.key") {
			t.Errorf("the log %q does not say that a root key was made", log.String())
		}
	}
}

// What the command opened before the fault is
// closed again.
func TestAStartThatFailsClosesTheRelaysSocket(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	turn := free.LocalAddr().String()
	_ = free.Close()
	err = server.Command{Data: t.TempDir(), Listen: taken.Addr().String(), Database: "sqlite", LogLevel: "error", TURNListen: turn}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("ran with %v, want an error about --listen", err)
	}
	again, err := net.ListenPacket("udp4", turn)
	if err != nil {
		t.Fatalf("the relay's socket is still open: %v", err)
	}
	_ = again.Close()
}
