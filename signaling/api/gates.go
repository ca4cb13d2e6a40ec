package api

import (
	"bytes"
	"hash/maphash"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// gates are what requests pass on their way to an operation.
type gates struct {
	read, change, address *ration
	turns                 turns
	streams               chan struct{} // one for each that is open

	// mu guards the rest.
	mu      sync.Mutex
	running map[string]bool // changes with an Idempotency-Key that are under way, by the id of their answer
	swept   time.Time       // when old answers were last dropped
}

func newGates(l Limits) gates {
	return gates{read: newRation("read", l.Read, Usual.Read), change: newRation("change", l.Change, Usual.Change),
		address: newRation("address", l.Address, Usual.Address), turns: turns{seed: maphash.MakeSeed()},
		streams: make(chan struct{}, maxStreams), running: map[string]bool{}}
}

// turns let changes of one resource follow each other, so that what a change was told to
// depend on stays so until it is made.
type turns struct {
	seed  maphash.Seed
	locks [64]sync.Mutex // by path; those that share one wait for each other without need
}

func (t *turns) of(path string) *sync.Mutex {
	return &t.locks[maphash.String(t.seed, path)%uint64(len(t.locks))]
}

// describe says of an operation what the gates do for it.
func describe(op *huma.Operation, role string) {
	if len(op.Tags) == 0 {
		rest := strings.TrimPrefix(op.Path, "/api/v1/")
		tag, _, _ := strings.Cut(rest, "/")
		op.Tags = []string{tag}
	}
	if role == "" {
		return
	}
	header := func(name, doc string) {
		most := maxKeyBytes + 2
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "header", Description: doc,
			Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &most}})
	}
	if op.Method == http.MethodGet {
		header("If-None-Match", "ETag of an answer that is there already: 304 while it is the same")
		return
	}
	header("Idempotency-Key", "any text that no other change has: sent again with it, a change is made once, and answered as the first time for a day")
	if op.Method != http.MethodPost {
		header("If-Match", "ETag of what GET answered here: the change is made only while that is the same, else 412")
	}
}

// recorded is an answer that is held back until it is known what becomes of it.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
	to     http.ResponseWriter // nil: nobody
}

func record(to http.ResponseWriter) *recorded { return &recorded{header: http.Header{}, to: to} }

// Header implements http.ResponseWriter.
func (r *recorded) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorded) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorded) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// Unwrap is for deadlines.
func (r *recorded) Unwrap() http.ResponseWriter { return r.to }

// send sends it.
func (r *recorded) send() {
	if r.status == 0 { // its handler panicked, or said nothing
		r.status = http.StatusOK
	}
	maps.Copy(r.to.Header(), r.header)
	r.to.WriteHeader(r.status)
	_, _ = r.to.Write(r.body.Bytes()) // the client went away
}
