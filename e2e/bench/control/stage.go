package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/units"
	"github.com/sitecast/sitecast/storage/catalog"
)

const (
	// contents is how many move at once, and size is of each.
	contents = 2
	size     = 9 << 20
	// patience is how long it may take until all agents move something.
	patience = 3 * time.Minute
)

type plan struct {
	sites, endpoints, rounds int
	rate                     units.Rate
	dir                      string
}

func siteName(i int) string    { return fmt.Sprintf("site-%02d", i+1) }
func contentName(i int) string { return fmt.Sprintf("content-%d", i+1) }

// stage is a server and its agents.
type stage struct {
	plan   plan
	dir    string
	url    *url.URL
	token  string
	http   *http.Client
	server *server.Server
	all    []*endpoint
	packs  packs // which content an object is of

	stop context.CancelFunc
	wg   sync.WaitGroup

	// mu guards err.
	mu  sync.Mutex
	err error // of a server or agent that ended by itself
}

// build starts everything, and returns when every agent holds something and lacks more.
func build(ctx context.Context, dir string, p plan) (s *stage, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s = &stage{plan: p, dir: dir, url: &url.URL{Scheme: "http", Host: listener.Addr().String()}, http: &http.Client{Timeout: time.Minute}}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	data := filepath.Join(dir, "server")
	s.server, err = server.New(ctx, server.Config{Data: data, Packs: filepath.Join(data, "packs"), PublicURL: s.url, Listener: listener,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return s, err
	}
	s.run(func() error { return s.server.Run(running) })
	text, err := os.ReadFile(filepath.Join(data, "admin.token"))
	if err != nil {
		return s, err
	}
	s.token = string(bytes.TrimSpace(text))
	// Nothing moves before all are there: they would make each other late.
	if err := s.call(ctx, "POST", "/rules", api.NewRule{Kind: catalog.RulePause}, nil); err != nil {
		return s, err
	}
	for i := range contents {
		if err := s.publish(ctx, i); err != nil {
			return s, err
		}
	}
	for i := range p.sites {
		if err := s.open(ctx, running, siteName(i)); err != nil {
			return s, err
		}
	}
	begun := time.Now()
	if err := s.await(ctx, func(f site.FlowView) bool { return f.Endpoints == p.endpoints }); err != nil {
		return s, err
	}
	fmt.Printf("all agents are online after %.0f s\n", time.Since(begun).Seconds())
	if err := s.call(ctx, "POST", "/rules/resume", api.EndedRules{}, nil); err != nil {
		return s, err
	}
	return s, s.await(ctx, func(f site.FlowView) bool { return f.BytesPeer > 0 })
}

// run has something run until the stage is closed.
func (s *stage) run(f func() error) {
	s.wg.Go(func() {
		if err := f(); err != nil && !errors.Is(err, context.Canceled) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = errors.Join(s.err, err)
		}
	})
}

func (s *stage) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *stage) close() error {
	s.stop()
	s.wg.Wait()
	return s.failed()
}

// remote is how an operator's command reaches the server.
func (s *stage) remote(out io.Writer) operator.Remote {
	return operator.Remote{Server: s.url.String(), TokenFile: filepath.Join(s.dir, "server", "admin.token"), Stdout: out, Stderr: io.Discard}
}

// publish makes a content of random bytes, and orders it to all sites.
func (s *stage) publish(ctx context.Context, i int) error {
	path := filepath.Join(s.dir, contentName(i))
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	var seed [32]byte
	seed[0] = byte(i)
	_, err = io.CopyN(f, rand.NewChaCha8(seed), size)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	known := s.packs.list(filepath.Join(s.dir, "server", "packs"))
	if err := (operator.Publish{Remote: s.remote(io.Discard), Path: path, Name: contentName(i), Version: "1", Key: filepath.Join(s.dir, "publisher.key")}).Run(ctx); err != nil {
		return err
	}
	s.packs.learn(i, known, s.packs.list(filepath.Join(s.dir, "server", "packs")))
	return operator.Distribute{Remote: s.remote(io.Discard), Ref: contentName(i) + "@1", All: true, Priority: "normal"}.Run(ctx)
}

// open makes a site, and starts its agents.
func (s *stage) open(ctx, running context.Context, name string) error {
	if err := (operator.SiteCreate{Remote: s.remote(io.Discard), Name: name}).Run(ctx); err != nil {
		return err
	}
	if err := (operator.Cap{Remote: s.remote(io.Discard), Site: name, WAN: s.plan.rate}).Run(ctx); err != nil {
		return err
	}
	var token bytes.Buffer
	if err := (operator.Enrol{Remote: s.remote(&token), Site: name, Uses: s.plan.endpoints, TTL: time.Hour}).Run(ctx); err != nil {
		return err
	}
	for i := range s.plan.endpoints {
		e, err := newEndpoint(name, &s.packs)
		if err != nil {
			return err
		}
		s.all = append(s.all, e)
		id := fmt.Sprintf("%s-%02d", name, i+1)
		s.run(func() error {
			return agent.Run(running, agent.Config{Server: s.url, Data: filepath.Join(s.dir, id), Name: id, Device: "agent", RTCListen: "127.0.0.1:0",
				EnrolToken: func() (string, error) { return token.String(), nil }, Log: slog.New(slog.DiscardHandler), Net: e, Dial: e.dial})
		})
	}
	return nil
}

// await waits until something is so of all flows.
func (s *stage) await(ctx context.Context, is func(site.FlowView) bool) error {
	for until := time.Now().Add(patience); ; {
		if err := cmp.Or(s.failed(), pause(ctx, time.Second)); err != nil {
			return err
		}
		var flows []site.FlowView
		if err := s.call(ctx, "GET", "/flows", nil, &flows); err != nil {
			return err
		}
		n := 0
		for _, f := range flows {
			if is(f) {
				n++
			}
		}
		switch {
		case n == contents*s.plan.sites:
			return nil
		case time.Now().After(until):
			return fmt.Errorf("%d of %d flows are as they should after %v", n, contents*s.plan.sites, patience)
		}
	}
}

// call asks the API.
func (s *stage) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url.String()+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // it is only read from
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
