package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/signaling/oidc"
	"github.com/sitecast/sitecast/storage/catalog"
)

// What a browser keeps while somebody logs in elsewhere. It comes back with a link from
// there, so it can't be as strict as that of a session.
const (
	securePending = "__Host-sitecast-oidc"
	plainPending  = "sitecast-oidc"
	pendingLife   = 10 * time.Minute
)

func pendingCookie(r *http.Request, value string) *http.Cookie {
	c := cookie(r, value)
	if c.Name = securePending; !c.Secure {
		c.Name = plainPending
	}
	c.SameSite = http.SameSiteLaxMode
	if value != "" {
		c.MaxAge = int(pendingLife / time.Second)
	}
	return &c
}

// elsewhere is who else vouches for operators, "" for nobody.
func (s *server) elsewhere() string {
	if s.OIDC == nil {
		return ""
	}
	return s.OIDC.Title()
}

// oidcPages lead to the provider of OpenID Connect and back.
func (s *server) oidcPages() {
	s.router.Get(oidc.PathLogin, s.limited(func(w http.ResponseWriter, r *http.Request) {
		if s.OIDC == nil {
			s.fail(w, r, &Problem{Status: http.StatusNotFound, Detail: "nobody else vouches for operators here", Hint: "log in at /login"})
			return
		}
		to, pending, err := s.OIDC.Begin(r.Context())
		if err != nil {
			s.refusedElsewhere(w, r, err)
			return
		}
		http.SetCookie(w, pendingCookie(r, pending))
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, to, http.StatusSeeOther)
	}))
	s.router.Get(oidc.PathCallback, s.limited(func(w http.ResponseWriter, r *http.Request) {
		if s.OIDC == nil {
			s.fail(w, r, &Problem{Status: http.StatusNotFound, Detail: "nobody else vouches for operators here", Hint: "log in at /login"})
			return
		}
		pending := ""
		if found := r.CookiesNamed(pendingCookie(r, "").Name); len(found) == 1 {
			pending = found[0].Value
		}
		http.SetCookie(w, pendingCookie(r, "")) // good for one attempt
		o, err := s.OIDC.Finish(r.Context(), pending, r.URL.Query())
		if err == nil {
			err = s.Catalog.Vouched(catalog.WithFrom(r.Context(), from(r, "oidc")), o)
		}
		if err != nil {
			s.refusedElsewhere(w, r, err)
			return
		}
		c, err := s.begin(r.Context(), r, o.Name)
		if err != nil {
			s.refusedElsewhere(w, r, err)
			return
		}
		http.SetCookie(w, &c)
		// The browser came by a link of the provider's: it sends the cookie only with what
		// a page of ours leads to.
		s.showAccount(w, r, http.StatusOK, accountView{Title: Actor{Name: o.Name, Title: o.Title}.called(), Form: "continue"})
	}))
}

// refusedElsewhere shows why a log-in by the provider did not succeed.
func (s *server) refusedElsewhere(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, oidc.ErrAway):
		s.Log.WarnContext(r.Context(), "the provider of log-ins can't be reached", "err", err)
		err = &Problem{Status: http.StatusBadGateway, Code: "provider_away", Detail: oidc.ErrAway.Error(), Hint: "try again in a moment"}
	case errors.Is(err, oidc.ErrNoRole):
		s.Log.InfoContext(r.Context(), "a log-in was refused", "address", r.RemoteAddr, "err", err)
		err = &Problem{Status: http.StatusForbidden, Code: "not_an_operator", Detail: oidc.ErrNoRole.Error(), Hint: "have an admin add the account to a group that is"}
	case errors.Is(err, oidc.ErrRefused):
		s.Log.InfoContext(r.Context(), "a log-in was refused", "address", r.RemoteAddr, "err", err)
		err = &Problem{Status: http.StatusUnauthorized, Code: "wrong_login", Detail: oidc.ErrRefused.Error(), Hint: "try again"}
	}
	p := s.told(r, err)
	s.showAccount(w, r, p.Status, accountView{Title: "Not logged in", Detail: p.Hint, Wrong: p.Detail, Form: "again"})
}
