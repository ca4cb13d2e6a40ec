package api

import (
	"bytes"
	"html/template"
	"net/http"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/web"
)

// accountPolicy is pagePolicy for pages without a script, whose forms go to this server.
const accountPolicy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// maxFormBytes bounds what is sent with a form.
const maxFormBytes = 16 << 10

var accountTemplate = template.Must(template.New("account").Parse(web.Account))

// accountView is what a page shows.
type accountView struct {
	Title     string
	Detail    string
	Wrong     string // what went wrong before
	Form      string // login, invite, in, or none
	Name      string
	Choose    bool   // the name is for whoever is invited to choose
	Token     string // of the invitation
	Least     int    // characters of a password
	Who       Actor
	Elsewhere string // who else vouches for operators; empty: nobody
}

func (s *server) showAccount(w http.ResponseWriter, r *http.Request, status int, v accountView) {
	var page bytes.Buffer
	if err := accountTemplate.Execute(&page, v); err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", accountPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the link of an invitation has its secret
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // the browser went away
}

// accountPages are the pages where people log in and out, and accept invitations.
func (s *server) accountPages() {
	s.router.Get("/login", s.limited(func(w http.ResponseWriter, r *http.Request) {
		who, err := s.bySession(r)
		if err != nil {
			s.showAccount(w, r, http.StatusOK, s.loginView("", nil))
			return
		}
		s.showAccount(w, r, http.StatusOK, accountView{Title: who.called(), Form: "in", Who: who})
	}))
	s.router.Post("/login", s.limited(func(w http.ResponseWriter, r *http.Request) {
		in := Login{r.PostFormValue("name"), r.PostFormValue("password")}
		c, err := s.login(r.Context(), r, in)
		if err != nil {
			p := s.told(r, err)
			s.showAccount(w, r, p.Status, s.loginView(in.Name, p))
			return
		}
		enter(w, r, c)
	}))
	s.router.Post("/logout", s.limited(func(w http.ResponseWriter, r *http.Request) {
		ctx, _, err := s.admit(r, "")
		if err == nil {
			err = s.logout(ctx)
		}
		if err != nil {
			s.told(r, err)
		}
		enter(w, r, cookie(r, ""))
	}))
	s.router.Get(PathInvite, s.limited(func(w http.ResponseWriter, r *http.Request) {
		token := r.URL.Query().Get("token")
		i, err := s.invitation(r.Context(), token)
		if err != nil {
			p := s.told(r, err)
			s.showAccount(w, r, p.Status, accountView{Title: "No invitation", Detail: p.Hint, Wrong: p.Detail})
			return
		}
		s.showAccount(w, r, http.StatusOK, inviteView(token, i.Name, i.Name == "", nil))
	}))
	s.router.Post(PathInvite, s.limited(func(w http.ResponseWriter, r *http.Request) {
		token, name := r.PostFormValue("token"), r.PostFormValue("name")
		c, err := s.accept(r.Context(), r, token, name, r.PostFormValue("password"))
		if err == nil {
			enter(w, r, c)
			return
		}
		p := s.told(r, err)
		i, err := s.invitation(r.Context(), token)
		if err != nil {
			s.showAccount(w, r, p.Status, accountView{Title: "No invitation", Detail: p.Hint, Wrong: p.Detail})
			return
		}
		if i.Name != "" {
			name = i.Name
		}
		s.showAccount(w, r, p.Status, inviteView(token, name, i.Name == "", p))
	}))
}

// called is how a page addresses somebody.
func (a Actor) called() string {
	if a.Title != "" {
		return a.Title
	}
	return a.Name
}

func (s *server) loginView(name string, p *Problem) accountView {
	v := accountView{Title: "Log in", Form: "login", Name: name, Elsewhere: s.elsewhere()}
	if p != nil {
		v.Wrong = p.Detail
	}
	return v
}

func inviteView(token, name string, choose bool, p *Problem) accountView {
	what := "Choose the password of your account."
	if choose {
		what = "Choose a name and a password for your account."
	}
	v := accountView{Title: "Welcome", Detail: what, Form: "invite", Name: name, Choose: choose, Token: token,
		Least: credential.MinPassword}
	if p != nil {
		v.Wrong = p.Detail
	}
	return v
}

// told is a problem that a page tells instead of an answer of the API.
func (s *server) told(r *http.Request, err error) *Problem {
	p := s.problem(r.Context(), err)
	s.count(r.URL.Path, p)
	return p
}

// limited bounds what an address may ask of the pages, and what it sends.
func (s *server) limited(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.allowed(r.RemoteAddr); err != nil {
			s.fail(w, r, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
		next(w, r)
	}
}

// enter sets the cookie of a session, or ends it, and leads on: to the portal, or to the
// log-in.
func enter(w http.ResponseWriter, r *http.Request, c http.Cookie) {
	http.SetCookie(w, &c)
	w.Header().Set("Cache-Control", "no-store")
	next := PathPortal
	if c.Value == "" {
		next = "/login"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
