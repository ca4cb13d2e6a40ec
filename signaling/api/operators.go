package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/catalog"
)

// MaxTokenTTL bounds the life of an API token that ends.
const MaxTokenTTL = 3660 * 24 * time.Hour

// NewToken is what is needed to make an API token.
type NewToken struct {
	Name       string   `json:"name" maxLength:"100"`
	Role       string   `json:"role" enum:"viewer,operator,admin"`
	Sites      []string `json:"sites,omitempty" maxItems:"256" doc:"it is good for these; absent: for all, also later ones"`
	TTLSeconds int64    `json:"ttl_seconds,omitempty" minimum:"0" maximum:"316224000" doc:"0: until it is revoked"`
}

// MadeToken is a new API token.
type MadeToken struct {
	Secret string `json:"token" doc:"the token itself, which is told this once"`
	TokenView
}

// TokenView is an API token as it is listed.
type TokenView struct {
	ID string `json:"id"`
	catalog.Token
}

// NewInvite is what is needed to invite somebody, for the first time or again.
type NewInvite struct {
	Name  string   `json:"name" maxLength:"100"`
	Role  string   `json:"role" enum:"viewer,operator,admin"`
	Sites []string `json:"sites,omitempty" maxItems:"256" doc:"may act at these; absent: at all, also later ones"`
}

// MadeInvite is an invitation: whoever opens its link first chooses the password.
type MadeInvite struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}

// OperatorChange replaces role and sites of an account.
type OperatorChange struct {
	Role  string   `json:"role" enum:"viewer,operator,admin"`
	Sites []string `json:"sites,omitempty" maxItems:"256" doc:"may act at these; absent: at all, also later ones"`
}

// operators are the routes about who may ask for what, and who did.
func (s *server) operators() {
	s.tokens()
	s.accounts()
	s.sessions()
	s.proposals()
	register(s, about(scopeOrganisation, operation("GET", "/audit/head", "audit-head", "Say where the audit log ends", catalog.RoleViewer)),
		func(ctx context.Context, _ *struct{}) (*reply[catalog.AuditHead], error) {
			head, err := s.Catalog.AuditHead(ctx)
			return &reply[catalog.AuditHead]{head}, err
		})
}

func (s *server) tokens() {
	register(s, about(scopeOrganisation, operation("POST", "/tokens", "create-token", "Make an API token", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct{ Body NewToken }) (*reply[MadeToken], error) {
			if err := catalog.CheckOperatorName(in.Body.Name); err != nil {
				return nil, bad(err.Error(), "")
			}
			if err := s.checkScope(ctx, in.Body.Sites); err != nil {
				return nil, err
			}
			now := time.Now().UTC()
			secret, hash := credential.NewSecret()
			made := catalog.Token{Name: in.Body.Name, Hash: hash, Role: in.Body.Role, Sites: in.Body.Sites, By: actor(ctx), Created: now}
			if in.Body.TTLSeconds > 0 {
				made.Expires = now.Add(time.Duration(in.Body.TTLSeconds) * time.Second)
			}
			if err := s.Catalog.PutToken(ctx, actor(ctx), made); err != nil {
				return nil, err
			}
			return &reply[MadeToken]{MadeToken{credential.APIToken(secret), TokenView{made.ID(), made}}}, nil
		})
	register(s, about(scopeOrganisation, operation("GET", "/tokens", "list-tokens", "List API tokens", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct{ PageAfter }) (*listed[TokenView], error) {
			all, err := s.Catalog.Tokens(ctx)
			out := make([]TokenView, len(all))
			for i, t := range all {
				out[i] = TokenView{t.ID(), t}
			}
			return pageOf(ctx, out, in.PageAfter, tokenKey), err
		})
	register(s, about(scopeOrganisation, operation("DELETE", "/tokens/{id}", "revoke-token", "Revoke an API token", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"16"`
		}) (*struct{}, error) {
			return nil, s.Catalog.RevokeToken(ctx, actor(ctx), in.ID)
		})
}

func (s *server) accounts() {
	register(s, about(scopeOrganisation, operation("POST", "/invites", "invite-operator", "Invite somebody to an account, or back into it", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct{ Body NewInvite }) (*reply[MadeInvite], error) {
			if err := catalog.CheckOperatorName(in.Body.Name); err != nil {
				return nil, bad(err.Error(), "")
			}
			if err := s.checkScope(ctx, in.Body.Sites); err != nil {
				return nil, err
			}
			secret, i := NewInvitation(in.Body.Name, in.Body.Role, in.Body.Sites, time.Now())
			if err := s.Catalog.PutInvite(ctx, actor(ctx), i); err != nil {
				return nil, err
			}
			return &reply[MadeInvite]{MadeInvite{InviteURL(s.PublicURL, secret), i.Expires}}, nil
		})
	register(s, about(scopeOrganisation, operation("GET", "/operators", "list-operators", "List accounts", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct{ PageAfter }) (*listed[catalog.Operator], error) {
			all, err := s.Catalog.Operators(ctx)
			return pageOf(ctx, all, in.PageAfter, operatorKey), err
		})
	register(s, about(scopeOrganisation, operation("PATCH", "/operators/{operator}", "change-operator", "Change what an account may do", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct {
			Operator string `path:"operator" maxLength:"300"`
			Body     OperatorChange
		}) (*reply[catalog.Operator], error) {
			if err := s.checkScope(ctx, in.Body.Sites); err != nil {
				return nil, err
			}
			if err := s.Catalog.ChangeOperator(ctx, actor(ctx), in.Operator, in.Body.Role, in.Body.Sites); err != nil {
				return nil, err
			}
			found, err := s.Catalog.Operator(ctx, in.Operator)
			return &reply[catalog.Operator]{found}, err
		})
	register(s, about(scopeOrganisation, operation("DELETE", "/operators/{operator}", "remove-operator", "Remove an account and end its sessions", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct {
			Operator string `path:"operator" maxLength:"300"`
		}) (*struct{}, error) {
			return nil, s.Catalog.RemoveOperator(ctx, actor(ctx), in.Operator)
		})
}

// checkScope refuses sites that can't be, or that nobody knows: it is more likely a slip
// than a wish for the future.
func (s *server) checkScope(ctx context.Context, sites []string) error {
	if err := catalog.CheckScope(sites); err != nil {
		return bad(err.Error(), "")
	}
	for _, name := range sites {
		if _, err := s.Catalog.Site(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// tooMany refuses who asks too often.
func tooMany(what string) error {
	return &Problem{Status: http.StatusTooManyRequests, Code: "too_many_requests", Detail: fmt.Sprintf("too many attempts %s", what), Hint: "wait some minutes"}
}
