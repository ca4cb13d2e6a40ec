package api

import (
	"encoding/json"
	"net/http"
)

// codeStandby is that of requests for which another server is to be asked.
const codeStandby = "standby"

// retryAfter503 is when somebody may come again whom the server can't serve now, in seconds.
const retryAfter503 = "1"

// Standby answers for a server that stands by: it lives, is not ready for the reason that is
// given, and has everybody come again, which a balancer leads to the server that serves.
func Standby(reason func() string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		p := standbyProblem("standby: " + reason())
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", retryAfter503)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(p.Status)
		_ = json.NewEncoder(w).Encode(p) // the client went away
	})
	return mux
}

// standbyProblem is what is said where another server is to be asked.
func standbyProblem(detail string) *Problem {
	return (&Problem{Status: http.StatusServiceUnavailable, Detail: detail, Code: codeStandby,
		Hint: "try again in a moment; the server's public URL leads to the one that serves"}).complete()
}
