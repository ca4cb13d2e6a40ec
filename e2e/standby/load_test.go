//go:build linux

package standby

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	writers = 4
	// giveUp is when a call has failed for good.
	giveUp = 30 * time.Second
	again  = 50 * time.Millisecond
)

// load is what clients do all the time: they create sites, tokens for them and versions, and
// send each change again, with its key, until they hear what came of it.
type load struct {
	s     *stand
	token string
	stop  context.CancelFunc
	wg    sync.WaitGroup

	// mu guards the rest.
	mu         sync.Mutex
	sites      []string
	enrolments map[string]string // of a site: the id of its token
	serials    map[uint64]string
	failed     []error
	retries    int
	heard      time.Time                // when an answer came last
	gaps       map[string]time.Duration // the longest time without one, by what was going on
	phase      string
}

func (s *stand) load() *load {
	s.t.Helper()
	token, err := os.ReadFile(filepath.Join(s.places[0].data, "admin.token"))
	s.must(err)
	ctx, stop := context.WithCancel(s.ctx)
	l := &load{s: s, token: strings.TrimSpace(string(token)), stop: stop, enrolments: map[string]string{}, serials: map[uint64]string{},
		gaps: map[string]time.Duration{}, heard: time.Now()}
	for w := range writers {
		l.wg.Go(func() { l.write(ctx, w) })
	}
	return l
}

// during names what goes on from now.
func (l *load) during(phase string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phase = phase
}

// end lets all writers hear their last answer.
func (l *load) end() {
	l.stop()
	l.wg.Wait()
}

func (l *load) write(ctx context.Context, w int) {
	for n := 0; ctx.Err() == nil; n++ {
		name := fmt.Sprintf("w%d-%04d", w, n)
		var enrolment api.MadeEnrolment
		var reserved api.Reserved
		err := l.change("/sites", api.NewSite{Name: name}, nil)
		if err == nil {
			l.note(func() { l.sites = append(l.sites, name) })
			err = l.change("/enrolments", api.NewEnrolment{Site: name, Uses: 1, TTLSeconds: 3600}, &enrolment)
		}
		if err == nil {
			var token wire.EnrolToken
			if token, err = wire.ParseEnrolToken(enrolment.Token); err == nil {
				l.note(func() { l.enrolments[name] = token.ID })
				err = l.change("/versions", api.NewVersion{Name: fmt.Sprintf("app-%d", w), Version: fmt.Sprint(n)}, &reserved)
			}
		}
		if err == nil {
			l.note(func() { l.serials[reserved.Serial] = name })
		} else {
			l.note(func() { l.failed = append(l.failed, fmt.Errorf("%s: %w", name, err)) })
		}
	}
}

func (l *load) note(what func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what()
}

// change sends a change until its answer is heard.
func (l *load) change(path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	key, begun := rand.Text(), time.Now()
	for {
		passes, err := l.try(path, key, text, out)
		if err == nil || !passes || time.Since(begun) > giveUp {
			return err
		}
		l.note(func() { l.retries++ })
		if err := rig.Pause(context.Background(), again); err != nil {
			return err
		}
	}
}

// try sends it once, and reports whether it is of use to send it again.
func (l *load) try(path, key string, text []byte, out any) (passes bool, err error) {
	req, err := http.NewRequest(http.MethodPost, l.s.url()+"/api/v1"+path, bytes.NewReader(text))
	if err != nil {
		return false, err
	}
	req.Header.Set("Authorization", "Bearer "+l.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	resp, err := l.s.client.Do(req)
	if err != nil {
		return true, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return true, err
	case resp.StatusCode == http.StatusServiceUnavailable, resp.StatusCode == http.StatusConflict && bytes.Contains(body, []byte("in_progress")):
		return true, fmt.Errorf("%d %s", resp.StatusCode, body)
	case resp.StatusCode >= 300:
		return false, fmt.Errorf("%d %s", resp.StatusCode, body)
	}
	l.note(func() {
		now := time.Now()
		l.gaps[l.phase] = max(l.gaps[l.phase], now.Sub(l.heard))
		l.heard = now
	})
	if out == nil {
		return false, nil
	}
	return false, json.Unmarshal(body, out)
}
