package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Lasting says how long a rule holds, and why.
type Lasting struct {
	For    time.Duration `help:"How long, as 2h or 30m; then it ends by itself." placeholder:"DURATION"`
	Until  ReadyBy       `help:"Until when, as 2027-03-04T06:00:00+01:00." placeholder:"TIME"`
	Reason string        `help:"Why, for others who see it." placeholder:"TEXT"`
}

// Validate wants a time ahead, said once, and one line of reason.
func (l Lasting) Validate() error {
	switch {
	case l.For < 0 || l.For > 0 && l.For < time.Second || l.For > catalog.MaxRule:
		return fmt.Errorf("--for: want a time between a second and %v", catalog.MaxRule)
	case l.For > 0 && l.Until != (ReadyBy{}):
		return errors.New("say --for or --until, not both")
	}
	if err := catalog.CheckReason(l.Reason); err != nil {
		return fmt.Errorf("--reason: %w", err)
	}
	return nil
}

// given reports whether anything was said.
func (l Lasting) given() bool { return l != Lasting{} }

// rule is a rule that lasts so long.
func (l Lasting) rule(kind string, which catalog.Selector) api.NewRule {
	return api.NewRule{Kind: kind, Site: which.Site, Content: which.Name, Version: which.Version,
		Seconds: int64(l.For / time.Second), Expires: l.Until.time(time.Now()), Reason: l.Reason}
}

// text says until when, and why.
func (l Lasting) text() string {
	out := ""
	switch {
	case l.For > 0:
		out += " for " + l.For.String()
	case l.Until != (ReadyBy{}):
		out += " until " + l.Until.time(time.Now()).Local().Format("2006-01-02 15:04 MST")
	}
	if l.Reason != "" {
		out += ": " + l.Reason
	}
	return out
}

const (
	// effectWait is how long a command waits for what becomes of a rule, and effectEvery how
	// often it asks.
	effectWait  = 3 * time.Second
	effectEvery = 150 * time.Millisecond
)

// setAndWatch sets a rule, and shows what becomes of it.
func setAndWatch(ctx context.Context, r Remote, rule api.NewRule, asJSON bool, done string) error {
	server, err := r.client()
	if err != nil {
		return err
	}
	defer server.close()
	var change api.Change
	if err := server.call(ctx, http.MethodPost, "/rules", nil, rule, &change); err != nil {
		return fmt.Errorf("%s: %w", rule.Kind, err)
	}
	if !asJSON {
		r.say("%s (generation %d).", done, change.Generation)
	}
	set, err := server.effect(ctx, rule, change.Generation)
	switch {
	case asJSON && err == nil:
		return r.printJSON(set)
	case err != nil && (asJSON || ctx.Err() != nil):
		return fmt.Errorf("the rule holds, but what became of it can't be read: %w", err)
	case err != nil: // what was asked for is done
		fmt.Fprintf(r.stderr(), "What became of it can't be read: %v\n", err)
	default:
		r.say("%s", effectText(set))
	}
	return nil
}

// effect waits until everybody who is online obeys a rule, or for effectWait.
func (c *client) effect(ctx context.Context, rule api.NewRule, generation uint64) (set api.RuleView, err error) {
	query := url.Values{"kind": {rule.Kind}, "after": {strconv.FormatUint(generation-1, 10)}, "limit": {"1"}}
	if rule.Site != "" {
		query.Set("site", rule.Site)
	}
	err = awaitEffect(ctx, func() (bool, error) {
		var rules []api.RuleView
		if err := c.call(ctx, http.MethodGet, "/rules", query, nil, &rules); err != nil {
			return false, err
		}
		if len(rules) == 0 || rules[0].Generation != generation { // it is replaced or ended already
			set.Generation = generation
			return true, nil
		}
		set = rules[0]
		return set.Effect == nil || set.Effect.Pending+set.Effect.Reading == 0, nil
	})
	return set, err
}

// ended waits until something comes of it that rules were ended, or for effectWait. It returns
// nil where nothing is known of that.
func (c *client) ended(ctx context.Context, generation uint64) (e *api.Effect, err error) {
	err = awaitEffect(ctx, func() (bool, error) {
		var now api.Effect
		err := c.call(ctx, http.MethodGet, fmt.Sprintf("/rules/effects/%d", generation), nil, nil, &now)
		if refused := new(Refusal); errors.As(err, &refused) && refused.Status == http.StatusNotFound {
			return true, nil
		}
		e = &now
		return now.Pending+now.Reading == 0 && (now.Endpoints == 0 || now.FirstEffect != nil), err
	})
	return e, err
}

// awaitEffect asks until it is told that nothing more is to be waited for.
func awaitEffect(ctx context.Context, ask func() (done bool, err error)) error {
	tick := time.NewTicker(effectEvery)
	defer tick.Stop()
	for until := time.Now().Add(effectWait); ; {
		if done, err := ask(); err != nil || done || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// effectText says what became of a rule.
func effectText(r api.RuleView) string {
	if r.Effect == nil || r.Effect.Endpoints == 0 {
		return "Nobody whom it is about is online now; endpoints obey when they come online."
	}
	if r.Kind == catalog.RulePause {
		return effectWords(r.Effect, "Stopped at", r.Effect.LastByte, ", last byte after ", "")
	}
	return effectWords(r.Effect, "In force at", r.Effect.Confirmation, ", all endpoints had it after ", ", first effect after ")
}

// endedText says what became of it that rules were ended; "" where nobody is concerned.
func endedText(e *api.Effect, first string) string {
	if e == nil || e.Endpoints == 0 {
		return ""
	}
	return "\n" + effectWords(e, "In force at", e.Confirmation, ", all endpoints had it after ", first)
}

func effectWords(e *api.Effect, did string, when *api.Spread, what, first string) string {
	text := fmt.Sprintf("%s %s with %s", did, count(e.Sites, "site"), count(e.Confirmed, "endpoint"))
	if when != nil {
		text += what + secondsText(when.Max)
	}
	if e.FirstEffect != nil {
		text += first + secondsText(e.FirstEffect.Max)
	}
	text += "."
	if e.Away > 0 {
		text += fmt.Sprintf(" %s went offline meanwhile.", count(e.Away, "endpoint"))
	}
	if e.Pending > 0 {
		text += fmt.Sprintf(" No word yet of %s: see sitecast flows.", count(e.Pending, "endpoint"))
	}
	return text
}

func secondsText(ms float64) string { return fmt.Sprintf("%.1f s", ms/1000) }

// count writes so many of something.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// still says of the rules of a kind that go on about some of a selection, what they are and
// how to end them. All reports whether one is about all of it.
func (c *client) still(ctx context.Context, kind, end string, which catalog.Selector) (text string, all bool, err error) {
	rules, err := pagesOf[api.RuleView](ctx, c, "/rules", nil)
	if err != nil {
		return "", false, fmt.Errorf("read rules: %w", err)
	}
	for _, rule := range rules {
		if rule.Kind != kind || !rule.Overlaps(which) {
			continue
		}
		all = all || rule.Covers(which)
		text += fmt.Sprintf("\n  %s; end that with: sitecast %s%s", rule.Words(time.Local), end, flags(rule.Selector))
	}
	return strings.TrimPrefix(text, "\n"), all, nil
}
