package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Problem is an error as the API tells it (RFC 9457), with a stable code and a
// hint about what to do.
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code"`
	Hint   string `json:"hint,omitempty"`
	// RequestID is what the server's log calls the request, also in the header X-Request-Id.
	RequestID string `json:"request_id,omitempty"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus makes a Problem an answer of huma's.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// hints are for problems that have none of their own.
var hints = map[string]string{
	"invalid":                "compare the request with /api/v1/openapi.json",
	"not_found":              "list what there is, and check how the name is spelled",
	"conflict":               "look at what is there already, or choose another name or version",
	"unauthorized":           "get a new token",
	"method_not_allowed":     "see /api/v1/openapi.json for the methods of this path",
	"too_large":              "send less at once",
	"unsupported_media_type": "send application/json",
	"timeout":                "try again",
	"stopping":               "try again in a moment",
	"internal":               "look into the server's log",
}

// codes are those of errors that huma and the router make.
var codes = map[int]string{
	http.StatusNotFound:              "not_found",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusRequestTimeout:        "timeout",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusUnsupportedMediaType:  "unsupported_media_type",
}

// maxDetails bounds how many mistakes of one request are told.
const maxDetails = 8

// complete fills in what follows from the rest.
func (p *Problem) complete() *Problem {
	p.Title = http.StatusText(p.Status)
	if p.Code == "" {
		p.Code = "invalid"
		if code := codes[p.Status]; code != "" {
			p.Code = code
		} else if p.Status >= http.StatusInternalServerError {
			p.Code = "internal"
		}
	}
	if p.Hint == "" {
		p.Hint = hints[p.Code]
	}
	return p
}

// huma makes its own errors (validation, unknown media types) by this variable.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		for i, err := range errs {
			if p := new(Problem); errors.As(err, &p) {
				return p
			}
			if i < maxDetails {
				msg += ": " + mistake(err)
			}
		}
		return (&Problem{Status: status, Detail: msg}).complete()
	}
}

// mistake says what is wrong and where. What the caller sent is not repeated: it
// may be long, or secret.
func mistake(err error) string {
	detail := new(huma.ErrorDetail)
	switch {
	case !errors.As(err, &detail):
		return err.Error()
	case detail.Location == "":
		return detail.Message
	}
	return detail.Message + " (" + detail.Location + ")"
}

func bad(detail, hint string) error {
	return &Problem{Status: http.StatusUnprocessableEntity, Detail: detail, Code: "invalid", Hint: hint}
}

// problem turns an error into an answer. What has no code goes to the log, and
// the caller learns only that something went wrong.
func (s *server) problem(ctx context.Context, err error) *Problem {
	p := new(Problem)
	switch {
	case errors.As(err, &p):
	case errors.Is(err, catalog.ErrNotFound), errors.Is(err, blob.ErrNotFound):
		p = &Problem{Status: http.StatusNotFound, Detail: err.Error(), Code: "not_found"}
	case errors.Is(err, catalog.ErrConflict):
		p = &Problem{Status: http.StatusConflict, Detail: err.Error(), Code: "conflict"}
	case errors.Is(err, catalog.ErrDoomed):
		p = &Problem{Status: http.StatusServiceUnavailable, Detail: err.Error(), Code: "being_deleted",
			Hint: "try again in a moment; what is missing then has to be uploaded"}
	case errors.Is(err, catalog.ErrSpent):
		p = &Problem{Status: http.StatusForbidden, Detail: catalog.ErrSpent.Error(), Code: "enrolment_spent",
			Hint: "make a new token with `sitecast enrol --site NAME`"}
	case errors.Is(err, catalog.ErrRevoked):
		p = &Problem{Status: http.StatusForbidden, Detail: "this key was revoked", Code: "revoked",
			Hint: "delete identity.json in the agent's data folder and enrol with a new token: it makes another key"}
	case errors.Is(err, credential.ErrToken):
		p = &Problem{Status: http.StatusUnauthorized, Detail: err.Error(), Code: "unauthorized"}
	case errors.Is(err, credential.ErrRootOffline):
		p = &Problem{Status: http.StatusConflict, Detail: err.Error(), Code: "root_offline",
			Hint: "where the root key is kept, use `sitecast publisher` with --root-key FILE"}
	case errors.Is(err, catalog.ErrLocked):
		p = standbyProblem("standby: another server holds the catalog")
	case errors.Is(err, catalog.ErrUnavailable):
		s.Log.ErrorContext(ctx, "request failed", "err", err)
		p = &Problem{Status: http.StatusServiceUnavailable, Detail: catalog.ErrUnavailable.Error(), Code: "database_unavailable",
			Hint: "try again in a moment; the server's log says what the database's trouble is"}
	case errors.Is(err, context.DeadlineExceeded):
		p = &Problem{Status: http.StatusServiceUnavailable, Detail: "the server did not answer in time", Code: "timeout"}
	case errors.Is(err, site.ErrStopped), errors.Is(err, context.Canceled): // or the caller went away and reads nothing
		p = &Problem{Status: http.StatusServiceUnavailable, Detail: "the server starts or stops", Code: "stopping"}
	default:
		s.Log.ErrorContext(ctx, "request failed", "err", err)
		p = &Problem{Status: http.StatusInternalServerError, Detail: "something went wrong on the server; its log says what", Code: "internal"}
	}
	return p.complete()
}

// fail answers a plain route with a problem document.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := *s.problem(r.Context(), err)
	p.RequestID = requestID(r.Context())
	s.count(r.URL.Path, &p)
	w.Header().Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", retryAfter503)
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(&p) // the client went away
}

// write is fail for huma's routes.
func (s *server) write(ctx huma.Context, err error) {
	p := s.problem(ctx.Context(), err)
	_ = huma.WriteErr(s.api, ctx, p.Status, p.Detail, p) // the client went away
}

// doorOf is where a path leads.
func doorOf(path string) wire.Door {
	switch path {
	case wire.PathEnrol, wire.PathChallenge, wire.PathSession, wire.PathBrowserSession:
		return wire.DoorEnrolment
	}
	for _, prefix := range []string{"/api/v1/objects/", "/packs/", "/bodies/"} {
		if strings.HasPrefix(path, prefix) {
			return wire.DoorObjects
		}
	}
	return wire.DoorAPI
}

// count counts a request that was refused. What the server is to blame for is none.
func (s *server) count(path string, p *Problem) {
	if p.Status < http.StatusInternalServerError {
		s.Refused.Add(doorOf(path), p.Code)
	}
}

// counted counts the problems of huma's routes as they are written.
func (s *server) counted(ctx huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*Problem); ok {
		if p.Status == http.StatusServiceUnavailable {
			ctx.SetHeader("Retry-After", retryAfter503)
		}
		url := ctx.URL()
		s.count(url.Path, p)
	}
	return v, nil
}

// strays makes problems of requests that no route takes.
func (s *server) strays() {
	s.router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &Problem{Status: http.StatusNotFound, Detail: "nothing is at " + r.URL.EscapedPath(),
			Hint: "the API is described at /api/v1/openapi.json"})
	})
	s.router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if s.router.Match(chi.NewRouteContext(), method, r.URL.Path) {
				w.Header().Add("Allow", method)
			}
		}
		s.fail(w, r, &Problem{Status: http.StatusMethodNotAllowed, Detail: r.Method + " is not for this path"})
	})
}

// recovered keeps a panic in one request from ending the server. Its text is for
// the log.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch fault := recover(); fault {
			case nil:
			case http.ErrAbortHandler: // the server cuts the connection
				panic(fault)
			default:
				s.fail(w, r, fmt.Errorf("panic: %v\n%s", fault, debug.Stack()))
			}
		}()
		next.ServeHTTP(w, r)
	})
}
