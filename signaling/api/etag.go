package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
)

// conditional names what is read by its ETag, and makes a change only while what GET answers
// at the same address has the one that the change names.
func (s *server) conditional(ctx huma.Context, next func(huma.Context)) {
	switch ctx.Method() {
	case http.MethodGet:
		s.tagged(ctx, next)
	case http.MethodPatch, http.MethodPut, http.MethodDelete:
		s.matched(ctx, next)
	default:
		next(ctx)
	}
}

// tagged answers with an ETag, or that nothing has changed.
func (s *server) tagged(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	answer := record(w)
	asked := context.WithValue(ctx.Context(), urlKey{}, *r.URL)
	next(humachi.NewContext(ctx.Operation(), r.WithContext(asked), answer))
	answer.named(r.Header.Get("If-None-Match"))
	answer.send()
}

// described is tagged for the description of the API, which is no operation.
func described(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, "/api/v1/openapi") {
			next.ServeHTTP(w, r)
			return
		}
		answer := record(w)
		next.ServeHTTP(answer, r)
		answer.named(r.Header.Get("If-None-Match"))
		answer.send()
	})
}

// named gives an answer its ETag, and takes all else from one that is held already.
func (r *recorded) named(held string) {
	if r.status != http.StatusOK {
		return
	}
	tag := r.tag()
	r.header.Set("ETag", tag)
	r.header.Set("Cache-Control", "private, no-cache")
	if matches(held, tag) {
		r.status = http.StatusNotModified
		r.body.Reset()
		r.header.Del("Content-Type")
	}
}

// tag names the bytes of an answer, and where its list goes on.
func (r *recorded) tag() string {
	sum := sha256.Sum256(append([]byte(r.header.Get("Link")+"\n"), r.body.Bytes()...))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// matches reports whether a tag is among those of a header. Who passes an answer on and
// compresses it makes its tag a weak one, which still names what we sent.
func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "W/"); part == "*" || part == tag {
			return true
		}
	}
	return false
}

// matched makes a change unless it names another state than there is.
func (s *server) matched(ctx huma.Context, next func(huma.Context)) {
	r, _ := humachi.Unwrap(ctx)
	turn := s.turns.of(r.URL.Path)
	turn.Lock()
	defer turn.Unlock()
	if want := r.Header.Get("If-Match"); want != "" {
		switch status, tag := s.look(r.WithContext(ctx.Context())); {
		case status == http.StatusNotFound: // which the operation says, too
		case status != http.StatusOK:
			s.write(ctx, bad("nothing is read at this address, so there is no ETag to match", "leave out If-Match"))
			return
		case !matches(want, tag):
			s.write(ctx, &Problem{Status: http.StatusPreconditionFailed, Code: "changed", Detail: "it is not as it was when you read it",
				Hint: "read it again, and decide anew"})
			return
		}
	}
	next(ctx)
}

// look asks what GET answers at the address of a request, to who sent that.
func (s *server) look(r *http.Request) (status int, tag string) {
	asked := r.Clone(context.WithValue(r.Context(), chi.RouteCtxKey, (*chi.Context)(nil))) // it is routed anew
	asked.Method, asked.Body, asked.ContentLength = http.MethodGet, http.NoBody, 0
	for _, name := range []string{"If-Match", "If-None-Match", "Idempotency-Key", "Content-Type"} {
		asked.Header.Del(name)
	}
	answer := record(nil)
	s.router.ServeHTTP(answer, asked)
	return answer.status, answer.header.Get("ETag")
}
