package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/server"
)

// TestTheFirstAccountIsMadeByALink: a newer link takes the place of the one before, which
// may have been seen by others in a log.
func TestTheFirstAccountIsMadeByALink(t *testing.T) {
	s := newStand(t, t.TempDir())
	defer s.end()
	first, err := s.server.FirstLink(t.Context())
	s.must(err)
	second, err := s.server.FirstLink(t.Context())
	s.must(err)
	if !strings.HasPrefix(second, base+"/invite?token=") || first == second {
		t.Errorf("links %q and %q", first, second)
	}
}

func TestFlagsOfTheProviderAreChecked(t *testing.T) {
	secret, empty := filepath.Join(t.TempDir(), "secret"), filepath.Join(t.TempDir(), "empty")
	for file, text := range map[string]string{secret: "s3cret\n", empty: "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		flags server.OIDCFlags
		want  string // of the error, "" for none
	}{
		"none":               {server.OIDCFlags{RoleClaim: "groups"}, ""},
		"all":                {server.OIDCFlags{Issuer: "https://id.example", ClientID: "x", ClientSecretFile: secret, Role: []string{"a=admin", "b=viewer:shop"}}, ""},
		"no issuer":          {server.OIDCFlags{ClientID: "x"}, "--oidc-issuer"},
		"an issuer no URL":   {server.OIDCFlags{Issuer: "id.example", ClientID: "x", Role: []string{"a=admin"}}, "https://"},
		"over plain http":    {server.OIDCFlags{Issuer: "http://id.example", ClientID: "x", Role: []string{"a=admin"}}, "loopback"},
		"no client":          {server.OIDCFlags{Issuer: "https://id.example", Role: []string{"a=admin"}}, "client id"},
		"nobody an operator": {server.OIDCFlags{Issuer: "https://id.example", ClientID: "x"}, "nobody"},
		"no such role":       {server.OIDCFlags{Issuer: "https://id.example", ClientID: "x", Role: []string{"a=root"}}, "--oidc-role"},
		"no secret":          {server.OIDCFlags{Issuer: "https://id.example", ClientID: "x", Role: []string{"a=admin"}, ClientSecretFile: empty}, "--oidc-client-secret-file"},
		"no such file":       {server.OIDCFlags{Issuer: "https://id.example", ClientID: "x", Role: []string{"a=admin"}, ClientSecretFile: secret + "x"}, "--oidc-client-secret-file"},
	} {
		err := server.CheckOIDC(c.flags)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error about %q", name, err, c.want)
		}
	}
}
