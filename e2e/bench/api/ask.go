//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// kind is a kind of request; path makes the next of it.
type kind struct {
	name  string
	bound time.Duration
	path  func(r *rand.Rand) string
}

// kinds are what a portal and scripts ask.
func kinds(n size) []kind {
	site := func(r *rand.Rand) string { return siteName(1 + r.IntN(n.sites)) }
	content := func(r *rand.Rand) string { return contentName(r.IntN(n.contents)) }
	list := func(name string, path func(r *rand.Rand) string) kind { return kind{name, listBound, path} }
	return []kind{
		list("sites, 100 of them", func(r *rand.Rand) string { return "/sites?limit=100&after=" + site(r) }),
		list("sites by prefix", func(r *rand.Rand) string { return "/sites?limit=100&prefix=" + site(r)[:len("shop-000")] }),
		list("sites, 1000 of them", func(r *rand.Rand) string { return "/sites?after=" + site(r) }),
		list("endpoints, 100 of them", func(r *rand.Rand) string {
			return "/endpoints?limit=100&after=" + endpointID(1+r.IntN(n.endpoints))
		}),
		list("endpoints, 1000 of them", func(r *rand.Rand) string { return "/endpoints?after=" + endpointID(1+r.IntN(n.endpoints)) }),
		list("endpoints of a site", func(r *rand.Rand) string { return "/endpoints?site=" + site(r) }),
		list("endpoints by a text that few have", func(r *rand.Rand) string {
			return fmt.Sprintf("/endpoints?limit=100&text=till-%d", 1+r.IntN(n.endpoints))
		}),
		list("endpoints by a text nobody has", func(r *rand.Rand) string {
			return fmt.Sprintf("/endpoints?limit=100&text=none-%d", r.IntN(n.endpoints))
		}),
		list("endpoints by kind", func(r *rand.Rand) string {
			return "/endpoints?limit=100&kind=kiosk&after=" + endpointID(1+r.IntN(n.endpoints))
		}),
		list("endpoints that are offline", func(r *rand.Rand) string {
			return "/endpoints?limit=100&online=false&after=" + endpointID(1+r.IntN(n.endpoints))
		}),
		list("endpoints that are online", func(*rand.Rand) string { return "/endpoints?limit=100&online=true" }),
		list("contents, 100 of them", func(r *rand.Rand) string { return "/contents?limit=100&after=" + content(r) }),
		list("versions of a content", func(r *rand.Rand) string { return "/contents/" + content(r) }),
		list("distributions, 100 of them", func(r *rand.Rand) string { return fmt.Sprintf("/distributions?before=%d", 2+r.IntN(n.contents)) }),
		list("distributions to a site", func(r *rand.Rand) string { return "/distributions?site=" + site(r) }),
		list("flows of a site", func(r *rand.Rand) string { return "/flows?site=" + site(r) }),
		list("flows, 100 of them", func(r *rand.Rand) string { return "/flows?limit=100&after=" + site(r) + "/" }),
		list("flows, 1000 of them", func(r *rand.Rand) string { return "/flows?after=" + site(r) + "/" }),
		list("flows of a content", func(r *rand.Rand) string { return "/flows?limit=100&content=" + content(r) }),
		list("audit, 100 of them", func(r *rand.Rand) string { return fmt.Sprintf("/audit?before=%d", 2+r.IntN(4*n.contents)) }),
		list("audit of a content", func(r *rand.Rand) string { return "/audit?text=" + content(r) }),
		{"overview", overviewBound, func(*rand.Rand) string { return "/overview" }},
	}
}

// figures are those of a kind.
type figures struct {
	p50, p99, max time.Duration
	bytes         int // of the largest answer
}

// time asks requests of a kind.
func (s *server) time(ctx context.Context, k kind, n size) (f figures, err error) {
	var mu sync.Mutex
	var took []time.Duration
	group, ctx := errgroup.WithContext(ctx)
	for worker := range n.atOnce {
		r := rand.New(rand.NewPCG(1, uint64(worker)))
		group.Go(func() error {
			for range (n.requests + n.atOnce - 1) / n.atOnce {
				begun := time.Now()
				text, _, err := s.get(ctx, "/api/v1"+k.path(r))
				if err != nil {
					return err
				}
				d := time.Since(begun)
				mu.Lock()
				took, f.bytes = append(took, d), max(f.bytes, len(text))
				mu.Unlock()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return f, err
	}
	slices.Sort(took)
	at := func(part float64) time.Duration { return took[min(int(part*float64(len(took))), len(took)-1)] }
	f.p50, f.p99, f.max = at(0.5), at(0.99), took[len(took)-1]
	return f, nil
}

var next = regexp.MustCompile(`^<([^>]*)>; rel="next"$`)

// all counts the rows of a list by following it.
func (s *server) all(ctx context.Context, path string) (rows int, err error) {
	for at := "/api/v1" + path; ; {
		text, header, err := s.get(ctx, at)
		if err != nil {
			return rows, err
		}
		var page []json.RawMessage
		if err := json.Unmarshal(text, &page); err != nil {
			return rows, err
		}
		rows += len(page)
		link := next.FindStringSubmatch(header.Get("Link"))
		if link == nil {
			return rows, nil
		}
		at = link[1]
	}
}

var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func (s *server) get(ctx context.Context, path string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %d %.300s", path, resp.StatusCode, text)
	}
	return text, resp.Header, err
}
