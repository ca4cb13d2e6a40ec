package lab

import (
	"bytes"
	"io"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/signaling/operator"
)

// Enrol puts another enrolment token into an endpoint's token file, which it reads when it
// is started.
func (e *Endpoint) Enrol(s *Site) {
	e.lab.t.Helper()
	var token bytes.Buffer
	e.lab.must(operator.Enrol{Remote: e.lab.Remote(&token), Site: s.Name, Uses: 1, TTL: time.Hour}.Run(e.lab.t.Context()))
	e.token = token.String()
}

// Revoke has an endpoint be believed no more.
func (e *Endpoint) Revoke() {
	e.lab.t.Helper()
	e.lab.must(operator.EndpointRevoke{Remote: e.lab.Remote(io.Discard), Endpoint: e.Name, Reason: "stolen"}.Run(e.lab.t.Context()))
}

// RevokePublisher revokes the key that [Lab.Publish] signs with, as the one of its name.
func (l *Lab) RevokePublisher(name string) {
	l.t.Helper()
	c := operator.PublisherRevoke{Key: name, Reason: "stolen"}
	c.Remote = l.Remote(io.Discard)
	l.must(c.Run(l.t.Context()))
}

// AddPublisher has a new key publish under a name; [Lab.Publish] signs with it from now on.
func (l *Lab) AddPublisher(name string) {
	l.t.Helper()
	l.key = name + ".key"
	file := filepath.Join(l.dir, l.key)
	l.must(operator.PublisherKey{Remote: l.Remote(io.Discard), File: file}.Run())
	c := operator.PublisherAdd{Name: name, Key: file}
	c.Remote = l.Remote(io.Discard)
	l.must(c.Run(l.t.Context()))
}

// Resign signs a version with the key that publishes now.
func (l *Lab) Resign(ref string) {
	l.t.Helper()
	l.must(operator.Resign{Remote: l.Remote(io.Discard), Versions: []string{ref}, Key: filepath.Join(l.dir, l.key)}.Run(l.t.Context()))
}
