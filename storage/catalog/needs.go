package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/policy"
)

// Codes of what a version is needed for.
const (
	NeedOrdered = "version_ordered"       // a site shall have it
	NeedCopies  = "version_kept_in_sites" // a site keeps copies of it, though a newer one superseded it
	NeedPinned  = "version_pinned"
	NeedPatches = "version_patched" // what makes a newer version of it is made, or used
	NeedFetched = "version_fetched" // a page has it fetched, though no site shall have it
	// NeedProposed: somebody proposed to order it, and it waits for approval.
	NeedProposed = "version_proposed"
)

// Need is one reason to keep a version at the origin.
type Need struct {
	Code string
	Why  string // in words
}

// Facts are what decides which versions are needed.
type Facts struct {
	Generation uint64         // all that was ordered up to it is here
	Sites      []Orders       // of each site, and of one that is created later, which has no name
	Patched    []Patched      // versions with patches
	Fetched    []content.Ref  // what pages have fetched
	Live       []Distribution // whose sites may become others
	Proposed   []Proposal     // that wait for approval
}

// Survey reads what decides, but for what pages fetch.
func Survey(ctx context.Context, c Catalog) (Facts, error) {
	later, err := c.LaterOrders(ctx) // the first, so that its generation is the lowest
	if err != nil {
		return Facts{}, err
	}
	book, err := c.Policy(ctx, "")
	if err != nil {
		return Facts{}, err
	}
	if err := later.hold(book); err != nil {
		return Facts{}, err
	}
	f := Facts{Generation: later.Generation, Sites: []Orders{later}}
	for after := ""; ; {
		sites, err := c.Sites(ctx, after, MaxPage)
		if err != nil {
			return Facts{}, err
		}
		if len(sites) == 0 {
			break
		}
		for _, s := range sites {
			orders, err := c.Orders(ctx, s.Name)
			if err != nil {
				return Facts{}, err
			}
			if err := orders.hold(book); err != nil {
				return Facts{}, err
			}
			f.Sites = append(f.Sites, orders)
		}
		after = sites[len(sites)-1].Name
	}
	if f.Live, err = c.LiveTargets(ctx); err != nil {
		return Facts{}, err
	}
	f.Live = slices.DeleteFunc(f.Live, later.void)
	if f.Proposed, err = c.Proposals(ctx); err != nil {
		return Facts{}, err
	}
	f.Patched, err = c.Patched(ctx)
	return f, err
}

// hold fills in how many copies a site keeps by what is set at any level. What can't be
// read decides nothing: an error is better than a version that is missed.
func (o *Orders) hold(book *policy.Book) error {
	set, err := book.Values(o.Site.Name, "").SiteSettings()
	o.Site.Replicas = set.Replicas
	return err
}

// maxNamed bounds the sites that a reason names.
const maxNamed = 3

// Needed returns what tells of a version what it is needed for, at now: nothing, if it may
// be removed.
func Needed(f Facts, now time.Time) func(content.Ref) []Need {
	ordered, copied := map[content.Ref][]string{}, map[content.Ref][]string{}
	var pins []Rule
	for _, o := range f.Sites {
		o.Now = now
		name := o.Site.Name
		if name == "" {
			name = "every site that is created later"
		}
		for _, order := range Resolve(o) {
			by := ordered
			if order.Superseded {
				by = copied
			}
			ref := content.Ref{Name: order.Name, Version: order.Version}
			by[ref] = append(by[ref], name)
		}
		for _, d := range o.Distributions { // of what comes, the newest alone is ordered
			if d.NotBefore.After(now) && !o.void(d) && o.reaches(d) {
				ref := content.Ref{Name: d.Name, Version: d.Version}
				ordered[ref] = append(ordered[ref], name)
			}
		}
		for _, r := range o.Rules {
			if r.Kind == RulePin && (r.Expires.IsZero() || r.Expires.After(now)) {
				pins = append(pins, r)
			}
		}
	}
	for _, d := range f.live(now) {
		ref := content.Ref{Name: d.Name, Version: d.Version}
		ordered[ref] = append(ordered[ref], fmt.Sprintf("sites that distribution %d has yet to reach", d.ID))
	}
	return func(ref content.Ref) (needs []Need) {
		if sites := ordered[ref]; len(sites) > 0 {
			needs = append(needs, Need{NeedOrdered, fmt.Sprintf("%s is ordered to %s", ref, some(sites))})
		}
		if sites := copied[ref]; len(sites) > 0 {
			needs = append(needs, Need{NeedCopies, fmt.Sprintf("copies of %s are kept at %s", ref, some(sites))})
		}
		for _, r := range pins {
			if r.Covers(Selector{Site: r.Site, Name: ref.Name, Version: ref.Version}) {
				needs = append(needs, Need{NeedPinned, r.By + " pinned " + r.Selector.String()})
				break
			}
		}
		for _, p := range f.Patched {
			if p.Name == ref.Name && p.Base == ref.Version {
				needs = append(needs, Need{NeedPatches, fmt.Sprintf("%s comes as patches to %s", p.Ref, ref)})
				break
			}
		}
		for _, p := range f.Proposed {
			if p.Distribution.Name == ref.Name && p.Distribution.Version == ref.Version {
				needs = append(needs, Need{NeedProposed, fmt.Sprintf("%s proposed to order %s (proposal %d)", p.By, ref, p.ID)})
				break
			}
		}
		if slices.Contains(f.Fetched, ref) {
			needs = append(needs, Need{NeedFetched, fmt.Sprintf("a page has %s fetched", ref)})
		}
		return needs
	}
}

// live are the distributions that may come to further sites, at now, but for those whose
// place another one took for all that they may come to.
func (f Facts) live(now time.Time) []Distribution {
	var later Orders
	if len(f.Sites) > 0 {
		later = f.Sites[0]
	}
	newer := slices.DeleteFunc(slices.Concat(f.Live, later.Distributions), func(d Distribution) bool {
		return d.NotBefore.After(now) || d.Rollout.State == RolloutRolledBack || later.void(d) || later.when(d).Held(now)
	})
	return slices.DeleteFunc(slices.Clone(f.Live), func(old Distribution) bool {
		return slices.ContainsFunc(newer, func(d Distribution) bool {
			return d.Serial > old.Serial && d.Supersedes(old) && d.through(old.Rings)
		})
	})
}

// through reports whether a distribution has come to all that are in some rings, as far as it
// means them.
func (a Aim) through(rings []Ring) bool {
	if len(a.Rings) == 0 {
		return true
	}
	same := slices.EqualFunc(a.Rings, rings, func(r, other Ring) bool { return r.Target == other.Target })
	return a.Rollout.State == RolloutDone && (same || a.Rings[len(a.Rings)-1].Target == RestTarget)
}

// some names the first of many.
func some(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}

// Retention says which versions are kept though nothing needs them. The zero value keeps
// all.
type Retention struct {
	Keep    int           // the newest of each content; 0: all
	Younger time.Duration // and all that were published since then
}

// MaxKeep bounds the versions of a content that a rule keeps.
const MaxKeep = 10_000

// Check reports what is wrong with a rule.
func (r Retention) Check() error {
	switch {
	case r.Keep < 0 || r.Keep > MaxKeep:
		return fmt.Errorf("keep: want the newest 1 to %d versions of each content", MaxKeep)
	case r.Younger < 0 || r.Younger > MaxPin || r.Younger%time.Second != 0:
		return fmt.Errorf("younger: want whole seconds up to %v", MaxPin)
	case r.Keep == 0 && r.Younger > 0:
		return errors.New("say how many of the newest versions to keep, too: an old content is not to vanish as a whole")
	}
	return nil
}

func (r Retention) String() string {
	if r.Keep == 0 {
		return "all versions are kept"
	}
	text := fmt.Sprintf("the newest %d versions of each content are kept", r.Keep)
	if r.Younger > 0 {
		text += fmt.Sprintf(", and all that are younger than %v", r.Younger)
	}
	return text
}

// Expired lists the versions that a rule does not keep, oldest first. Whether they are
// needed is another question.
func (r Retention) Expired(versions []PublishedVersion, now time.Time) (out []PublishedVersion) {
	if r.Keep == 0 {
		return nil
	}
	newer := map[string]int{}
	for _, v := range slices.SortedFunc(slices.Values(versions), func(a, b PublishedVersion) int { return cmp.Compare(b.Serial, a.Serial) }) {
		if newer[v.Name]++; newer[v.Name] > r.Keep && now.Sub(v.Created) > r.Younger {
			out = append(out, v)
		}
	}
	slices.Reverse(out)
	return out
}

// Collection is what there is to do about objects that no version names.
type Collection struct {
	Note   []content.Digest // nobody noted that they are unused
	Forget []content.Digest // they are used, and noted as if not
	Doom   []content.Digest // they have been unused for long enough
}

// Collect decides about the packs and the noted objects, given all that versions name. An
// object is due that was noted before a time.
func Collect(used map[content.Digest]bool, packs []Pack, noted []Unused, before time.Time) (out Collection) {
	known := make(map[content.Digest]bool, len(noted))
	for _, u := range noted {
		known[u.Object] = true
		switch {
		case u.Doomed:
		case used[u.Object]:
			out.Forget = append(out.Forget, u.Object)
		case u.Since.Before(before):
			out.Doom = append(out.Doom, u.Object)
		}
	}
	for _, p := range packs {
		if !used[p.Digest] && !known[p.Digest] {
			out.Note = append(out.Note, p.Digest)
		}
	}
	return out
}

// Occupancy is what of the packs is needed.
type Occupancy map[content.Digest]map[int64]uint32 // encoded length of each chunk that a version names, by pack and offset

// Add counts what a version names.
func (o Occupancy) Add(p Placement) {
	for _, c := range p.Chunks {
		at := o[p.Packs[c.Pack]]
		if at == nil {
			at = map[int64]uint32{}
			o[p.Packs[c.Pack]] = at
		}
		at[c.Offset] = c.Length
	}
}

// Live is how many bytes of a pack some version names.
func (o Occupancy) Live(pack content.Digest) (bytes int64) {
	for _, length := range o[pack] {
		bytes += int64(length)
	}
	return bytes
}
