package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
	"github.com/sitecast/sitecast/storage/target"
)

// Aiming says whom a distribution means beside named sites, when, and in which order.
type Aiming struct {
	Tag       string   `help:"Every site that bears this tag, now or later." placeholder:"TAG"`
	Query     string   `help:"Every site that this means, now or later: tag:emea and not tag:pilot or name:store-1*" placeholder:"QUERY"`
	NotBefore ReadyBy  `name:"not-before" help:"Nothing of it is fetched before: 2027-03-04T22:00:00+01:00, or from now: 6h." placeholder:"TIME"`
	Window    string   `help:"Hours of the week in which it may be fetched, by each site's clock: 'mon-fri 22:00-05:00; sat,sun'. The windows of the site have to be open, too." placeholder:"HOURS"`
	Ring      []string `help:"A ring, in order (repeatable): NAME=QUERY, or NAME=rest, and behind semicolons its gates: delivered>=95%, failed<=5%, soak 24h, wan<=20mbit, at-once 50, halt>=10%, halt never." placeholder:"NAME=QUERY[; GATE]..." sep:"none"`
	Rings     string   `help:"Rings from a file: a JSON array as the API has it." type:"existingfile" placeholder:"FILE"`
	DryRun    bool     `help:"Change nothing, and list the sites that it means now."`
	JSON      bool     `name:"json" help:"With --dry-run: print JSON."`
}

// inRings reports whether there are rings.
func (a Aiming) inRings() bool { return len(a.Ring) > 0 || a.Rings != "" }

// target is the query that is meant.
func (a Aiming) target() string {
	if a.Tag != "" {
		return target.Tag(a.Tag).String()
	}
	return a.Query
}

// where wants exactly one way to say which sites, and checks it.
func (a Aiming) where(sites, all bool) error {
	said := 0
	for _, is := range []bool{sites, all, a.Tag != "", a.Query != ""} {
		if is {
			said++
		}
	}
	if said != 1 {
		return errors.New("say where, in one way: --site NAME (repeatable), --all, --tag TAG or --query QUERY")
	}
	if a.Tag != "" {
		if err := policy.CheckTag(a.Tag, 0); err != nil {
			return err
		}
	}
	if a.Query != "" {
		if _, err := target.Parse(a.Query); err != nil {
			return err
		}
	}
	if a.Window != "" {
		if _, _, err := policy.ParseWindow(a.Window); err != nil {
			return fmt.Errorf("--window: %w", err)
		}
	}
	if len(a.Ring) > 0 && a.Rings != "" {
		return errors.New("say the rings by --ring or by --rings, not both")
	}
	for _, text := range a.Ring {
		if _, err := parseRing(text); err != nil {
			return fmt.Errorf("--ring: %w", err)
		}
	}
	if a.JSON && !a.DryRun {
		return errors.New("--json goes with --dry-run")
	}
	return nil
}

// aim adds what is meant to an order.
func (a Aiming) aim(in *api.NewDistribution) (err error) {
	in.Target, in.NotBefore, in.Window = a.target(), a.NotBefore.time(time.Now()), a.Window
	if a.Rings != "" {
		in.Rings, err = readRings(a.Rings)
		return err
	}
	for _, text := range a.Ring {
		ring, err := parseRing(text)
		if err != nil {
			return err
		}
		in.Rings = append(in.Rings, ring)
	}
	return nil
}

// preview lists the sites that an order means now.
func (a Aiming) preview(ctx context.Context, server *client, r Remote, in api.NewDistribution) error {
	var now api.Change
	if err := server.call(ctx, http.MethodPost, "/distributions", url.Values{"dry_run": {"true"}}, in, &now); err != nil {
		return fmt.Errorf("list what %s@%s would go to: %w", in.Name, in.Version, err)
	}
	if a.JSON {
		return r.printJSON(append([]api.MeantSite{}, now.Sites...))
	}
	t := tabwriter.NewWriter(r.stdout(), 0, 8, 2, ' ', 0)
	for _, m := range now.Sites {
		fmt.Fprintf(t, "%s\t%s\n", m.Site, m.Ring)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	r.say("%d sites now. Nothing was ordered.", len(now.Sites))
	return nil
}

// ringsText says that there are rings.
func ringsText(rings []api.NewRing) string {
	if len(rings) == 0 {
		return ""
	}
	var names []string
	for _, r := range rings {
		names = append(names, r.Name)
	}
	return fmt.Sprintf(" in %d rings (%s)", len(rings), strings.Join(names, ", "))
}

// parseRing reads NAME=QUERY[; GATE]...
func parseRing(text string) (ring api.NewRing, err error) {
	parts := strings.Split(text, ";")
	name, query, found := strings.Cut(parts[0], "=")
	ring.Name, ring.Target = strings.TrimSpace(name), strings.TrimSpace(query)
	if !found || ring.Name == "" || ring.Target == "" {
		return ring, fmt.Errorf("%.60q: want NAME=QUERY, or NAME=rest, and gates behind semicolons", text)
	}
	if ring.Target != catalog.RestTarget {
		if _, err := target.Parse(ring.Target); err != nil {
			return ring, err
		}
	}
	for _, gate := range parts[1:] {
		if gate = strings.TrimSpace(gate); gate == "" {
			continue
		}
		if err := parseGate(&ring, gate); err != nil {
			return ring, fmt.Errorf("gate %.60q: %w", gate, err)
		}
	}
	return ring, nil
}

// parseGate reads one gate of a ring.
func parseGate(ring *api.NewRing, text string) error {
	at := strings.IndexFunc(text, func(r rune) bool { return strings.ContainsRune(" <>=", r) })
	if at < 0 {
		return errors.New("want one such as delivered>=95%, failed<=5%, soak 24h, at-once 50 or halt>=10%")
	}
	key, value := text[:at], strings.TrimSpace(strings.TrimLeft(text[at:], " <>="))
	sign := strings.TrimSpace(text[at : len(text)-len(value)])
	want := func(s string) error {
		if sign != "" && sign != "=" && sign != s {
			return fmt.Errorf("want %s %s", key, s)
		}
		return nil
	}
	switch key {
	case "delivered":
		return errors.Join(want(">="), share(value, &ring.Delivered))
	case "failed":
		return errors.Join(want("<="), share(value, &ring.Failed))
	case "halt":
		if value == "never" {
			ring.Halt = new(int)
			return nil
		}
		if err := errors.Join(want(">="), share(value, &ring.Halt)); err != nil || *ring.Halt > 0 {
			return err
		}
		return errors.New("a share of nothing halts at once: say halt never, or halt>=1%")
	case "soak":
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 || d > catalog.MaxSoak || d%time.Second != 0 {
			return fmt.Errorf("want a time such as 24h, up to %v", catalog.MaxSoak)
		}
		ring.SoakSeconds = int64(d / time.Second)
		return want(">=")
	case "wan":
		var rate Rate
		if err := rate.UnmarshalText([]byte(value)); err != nil || rate < 1 || rate > catalog.MaxRingWAN {
			return errors.New("want the most that its sites take over the WAN together, as 20mbit")
		}
		ring.WAN = int64(rate)
		return want("<=")
	case "at-once":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > catalog.MaxAtOnce {
			return fmt.Errorf("want how many sites, 1 to %d", catalog.MaxAtOnce)
		}
		ring.AtOnce = n
		return want("<=")
	}
	return errors.New("want delivered, failed, soak, wan, at-once or halt")
}

// share reads a share as 95%.
func share(text string, into **int) error {
	n, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
	if err != nil || n < 0 || n > 100 {
		return fmt.Errorf("%.20q: want a share of 0%% to 100%%, in whole per cent", text)
	}
	*into = &n
	return nil
}

// maxRingsBytes bounds the file of rings.
const maxRingsBytes = 64 << 10

// readRings reads rings from a file.
func readRings(path string) (rings []api.NewRing, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read rings: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRingsBytes+1))
	if err == nil && len(text) > maxRingsBytes {
		err = fmt.Errorf("more than %d bytes", maxRingsBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("read rings from %s: %w", path, err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&rings); err != nil {
		return nil, fmt.Errorf("read rings from %s: %w\n  want a JSON array such as [{\"name\":\"canary\",\"target\":\"tag:canary\",\"soak_seconds\":86400},{\"name\":\"rest\",\"target\":\"rest\"}]", path, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || len(rings) == 0 {
		return nil, fmt.Errorf("read rings from %s: want one JSON array with rings in it, and nothing behind it", path)
	}
	return rings, nil
}
