package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/oidc"
	"github.com/sitecast/sitecast/storage/catalog"
)

// FirstLink makes the link by which the first account is made, an admin's, in place of
// one that was made before; "" where there is an account.
func (s *Server) FirstLink(ctx context.Context) (string, error) {
	accounts, err := s.catalog.Operators(ctx)
	if err != nil || len(accounts) > 0 {
		return "", err
	}
	secret, i := api.NewInvitation("", catalog.RoleAdmin, nil, time.Now())
	if err := s.catalog.PutInvite(ctx, "first start", i); err != nil {
		return "", fmt.Errorf("make the link to the first account: %w", err)
	}
	return api.InviteURL(s.publicURL(), secret), nil
}

// OIDCFlags name a provider of OpenID Connect that vouches for operators.
type OIDCFlags struct {
	Issuer           string   `help:"URL of the provider that vouches for operators (default: none)." env:"SITECAST_OIDC_ISSUER" placeholder:"URL"`
	ClientID         string   `name:"client-id" help:"By which the provider knows this server." env:"SITECAST_OIDC_CLIENT_ID" placeholder:"ID"`
	ClientSecretFile string   `name:"client-secret-file" help:"File with the secret that goes with it (default: none, for a public client)." type:"path" env:"SITECAST_OIDC_CLIENT_SECRET_FILE" placeholder:"FILE"`
	Scope            []string `name:"scope" help:"What is asked for of the provider besides openid (repeatable)." default:"profile,email" env:"SITECAST_OIDC_SCOPE" placeholder:"NAME"`
	RoleClaim        string   `name:"role-claim" help:"Claim that says what somebody may do, with dots where it is within others." default:"groups" env:"SITECAST_OIDC_ROLE_CLAIM" placeholder:"NAME"`
	Role             []string `name:"role" help:"What a value of the claim gives (repeatable, or with ; between)." sep:";" env:"SITECAST_OIDC_ROLE" placeholder:"VALUE=ROLE[:SITE]"`
}

// maxClientSecret bounds the file with the secret, in bytes.
const maxClientSecret = 4 << 10

// config reads the flags; nil where none are given.
func (f OIDCFlags) config() (*oidc.Config, error) {
	if f.Issuer == "" {
		if f.ClientID != "" || f.ClientSecretFile != "" || len(f.Role) > 0 {
			return nil, errors.New("--oidc-client-id, --oidc-client-secret-file and --oidc-role go with --oidc-issuer")
		}
		return nil, nil
	}
	cfg := &oidc.Config{Issuer: f.Issuer, ClientID: f.ClientID, Scopes: f.Scope, RoleClaim: f.RoleClaim}
	for _, text := range f.Role {
		m, err := oidc.ParseMapping(text)
		if err != nil {
			return nil, fmt.Errorf("--oidc-role %w", err)
		}
		cfg.Roles = append(cfg.Roles, m)
	}
	if f.ClientSecretFile != "" {
		secret, err := os.ReadFile(f.ClientSecretFile)
		if err != nil {
			return nil, fmt.Errorf("--oidc-client-secret-file: %w", err)
		}
		if secret = bytes.TrimSpace(secret); len(secret) == 0 || len(secret) > maxClientSecret {
			return nil, fmt.Errorf("--oidc-client-secret-file %s has %d bytes: want a secret of 1 to %d", f.ClientSecretFile, len(secret), maxClientSecret)
		}
		cfg.ClientSecret = string(secret)
	}
	if _, err := oidc.New(*cfg); err != nil {
		return nil, fmt.Errorf("--oidc-...: %w", err)
	}
	return cfg, nil
}

// provider is who else vouches for operators; nil for nobody.
func (s *Server) provider() (*oidc.Provider, error) {
	if s.cfg.OIDC == nil {
		return nil, nil
	}
	cfg := *s.cfg.OIDC
	cfg.Public = s.publicURL()
	return oidc.New(cfg)
}
