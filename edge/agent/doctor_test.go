package agent_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/edge/doctor"
)

func TestDoctorJudgesCertificatesAsTheAgentDoes(t *testing.T) {
	good, other := newChain(t, host), newChain(t, host)
	old := newChainAt(t, host, time.Now().AddDate(-30, 0, 0))
	pool := func(c *chain) *x509.CertPool {
		p := x509.NewCertPool()
		p.AddCert(c.ca)
		return p
	}
	for _, c := range []struct {
		name   string
		pin    string // none: not enrolled; system: enrolled without
		shown  *chain
		others *x509.CertPool
		want   doctor.Voucher
		words  string // of the error
	}{
		{"pinned", pinOf(good.ca), good, nil, doctor.Pinned, ""},
		{"pinned, whatever the clock says", pinOf(old.ca), old, nil, doctor.Pinned, ""},
		{"opened", pinOf(good.ca), other, nil, doctor.Nobody, "enrol"},
		{"opened by whom --ca-file names", pinOf(good.ca), other, pool(other), doctor.Added, ""},
		{"opened by whom --ca-file names, at another time", pinOf(good.ca), old, pool(old), doctor.Nobody, "expired"},
		{"not enrolled", "none", good, nil, doctor.Unjudged, ""},
		{"not enrolled, with the server's authority", "none", good, pool(good), doctor.Unjudged, ""},
		{"enrolled at a server with a public certificate", "system", other, nil, doctor.Nobody, "unknown authority"},
	} {
		dir := t.TempDir()
		if c.pin != "none" {
			if err := agent.SaveIdentity(dir, strings.TrimPrefix(c.pin, "system")); err != nil {
				t.Fatal(err)
			}
		}
		judge, err := agent.JudgeBy(dir, host, c.others)
		if err != nil {
			t.Fatal(err)
		}
		got, err := judge(c.shown.certs())
		if got != c.want || (err != nil) != (c.words != "") || err != nil && !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: got %v, %v; want %v, %q", c.name, got, err, c.want, c.words)
		}
	}
}

func TestDoctorRefusesWrongFlags(t *testing.T) {
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "identity.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		bend func(*agent.Doctor)
		want string
	}{
		"plain http":  {func(d *agent.Doctor) { d.Server = "http://sitecast.example" }, "plain http"},
		"stun":        {func(d *agent.Doctor) { d.STUN = "stun.example" }, "--stun"},
		"reflector":   {func(d *agent.Doctor) { d.Reflector = "stun.example" }, "--reflector"},
		"proxy":       {func(d *agent.Doctor) { d.Proxy = "proxy" }, "--proxy"},
		"no file":     {func(d *agent.Doctor) { d.CAFile = filepath.Join(broken, "none") }, "--ca-file"},
		"no identity": {func(d *agent.Doctor) { d.Data = broken }, "--data"},
	} {
		d := agent.Doctor{Server: "https://sitecast.example:8443", Out: io.Discard}
		c.bend(&d)
		if err := d.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error about %s", name, err, c.want)
		}
	}
}

// A doctor on a host whose server is off, beside an agent that answers.
func TestDoctorPrintsAReport(t *testing.T) {
	off, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = off.Close()
	status := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"connected": true, "links": [{"peer": "x", "relayed": true}, {"peer": "y", "relayed": false}]}`)
	}))
	defer status.Close()
	var text, coded bytes.Buffer
	d := agent.Doctor{Server: "https://" + off.Addr().String(), STUN: off.Addr().String(), Proxy: "none", StatusListen: status.Listener.Addr().String(), Out: &text}
	if err := d.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "can't work") {
		t.Errorf("got %v, want an error that says so", err)
	}
	for _, want := range []string{"FAIL  connection", "server unreachable: ", "start the server", "1 of its links are direct, 1 go by a relay", "What to do: "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
	d.JSON, d.Out = true, &coded
	_ = d.Run(t.Context()) // the same
	var report doctor.Report
	if err := json.Unmarshal(coded.Bytes(), &report); err != nil || report.Works || len(report.Findings) != 11 {
		t.Errorf("got %v, %+v", err, report)
	}
}
