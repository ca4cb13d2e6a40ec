package policy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds of tags.
const (
	MaxPriority = 1000 // of a tag, and -MaxPriority the least
	MaxTags     = 500
	MaxNameTag  = 64 // bytes of a tag's name
)

// Setting is one value that was set.
type Setting struct {
	Scope
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Tagged is a name that sites and endpoints bear, so that something is set for all of them.
type Tagged struct {
	Name string `json:"name"`
	// Priority decides between tags that say different things: the highest counts.
	Priority  int      `json:"priority"`
	Sites     []string `json:"sites"`
	Endpoints []string `json:"endpoints"` // ids
}

// CheckTag reports what is wrong with a tag's name and priority.
func CheckTag(name string, priority int) error {
	bad := strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	})
	switch {
	case name == "" || len(name) > MaxNameTag || bad:
		return fmt.Errorf("tag %.60q: want up to %d letters, digits, '.', '_' and '-'", name, MaxNameTag)
	case priority < -MaxPriority || priority > MaxPriority:
		return fmt.Errorf("priority %d of tag %s: want %d to %d", priority, name, -MaxPriority, MaxPriority)
	}
	return nil
}

// TagChange changes a tag, which is made where it is not there.
type TagChange struct {
	Name            string   `json:"-"`
	Priority        *int     `json:"priority,omitempty" minimum:"-1000" maximum:"1000"` // nil: as it is, or 0
	AddSites        []string `json:"add_sites,omitempty" maxItems:"1000"`
	AddEndpoints    []string `json:"add_endpoints,omitempty" maxItems:"1000"`
	RemoveSites     []string `json:"remove_sites,omitempty" maxItems:"1000"`
	RemoveEndpoints []string `json:"remove_endpoints,omitempty" maxItems:"1000"`
}

// Check reports what is wrong with a change.
func (c TagChange) Check() error {
	priority := 0
	if c.Priority != nil {
		priority = *c.Priority
	}
	return CheckTag(c.Name, priority)
}

// Book is all that was set, as far as it concerns what is asked of it.
type Book struct {
	Settings []Setting
	Tags     []Tagged

	said      map[Scope]map[string]string
	sites     map[string][]*Tagged // that a site bears, the strongest first
	endpoints map[string][]*Tagged
}

// NewBook returns a book of what was set.
func NewBook(settings []Setting, tags []Tagged) *Book {
	b := &Book{Settings: settings, Tags: tags, said: map[Scope]map[string]string{}, sites: map[string][]*Tagged{}, endpoints: map[string][]*Tagged{}}
	for _, s := range settings {
		if b.said[s.Scope] == nil {
			b.said[s.Scope] = map[string]string{}
		}
		b.said[s.Scope][s.Key] = s.Value
	}
	for i := range tags {
		t := &tags[i]
		for _, name := range t.Sites {
			b.sites[name] = append(b.sites[name], t)
		}
		for _, id := range t.Endpoints {
			b.endpoints[id] = append(b.endpoints[id], t)
		}
	}
	return b
}

// With is the book as it would be after changes at a scope.
func (b *Book) With(scope Scope, changes []Assignment) *Book {
	settings := slices.DeleteFunc(slices.Clone(b.Settings), func(s Setting) bool {
		return s.Scope == scope && slices.ContainsFunc(changes, func(c Assignment) bool { return c.Key == s.Key })
	})
	for _, c := range changes {
		if c.Value != "" {
			settings = append(settings, Setting{scope, c.Key, c.Value})
		}
	}
	return NewBook(settings, b.Tags)
}

// WithTag is the book as it would be after a change of a tag.
func (b *Book) WithTag(c TagChange) *Book {
	t := Tagged{Name: c.Name}
	tags := slices.DeleteFunc(slices.Clone(b.Tags), func(have Tagged) bool {
		if have.Name == c.Name {
			t = have
		}
		return have.Name == c.Name
	})
	if c.Priority != nil {
		t.Priority = *c.Priority
	}
	t.Sites = without(with(t.Sites, c.AddSites), c.RemoveSites)
	t.Endpoints = without(with(t.Endpoints, c.AddEndpoints), c.RemoveEndpoints)
	return NewBook(b.Settings, append(tags, t))
}

// WithoutTag is the book as it would be without a tag and what is set for it.
func (b *Book) WithoutTag(name string) *Book {
	return NewBook(
		slices.DeleteFunc(slices.Clone(b.Settings), func(s Setting) bool { return s.Scope == Scope{Tag, name} }),
		slices.DeleteFunc(slices.Clone(b.Tags), func(t Tagged) bool { return t.Name == name }))
}

func with(list, more []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(list), more...))))
}

func without(list, less []string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return slices.Contains(less, s) })
}

// Said is what a level says.
type Said struct {
	Value string `json:"value"`
	Scope
}

func (s Said) String() string { return s.Value + " (" + s.Scope.String() + ")" }

// Effective is what holds of a setting, and why.
type Effective struct {
	Key string `json:"key"`
	Said
	// Overridden is what other levels say, the strongest first.
	Overridden []Said `json:"overridden,omitempty"`
	// Conflict says that tags of one priority disagree: the first by name counts.
	Conflict string `json:"conflict,omitempty"`
}

// Explain says what holds of all settings at a site or (id is not empty) at one of its
// endpoints, in the order in which settings are shown.
func (b *Book) Explain(site, id string) []Effective {
	out := make([]Effective, 0, len(keys))
	for _, k := range keys {
		out = append(out, b.effective(k, site, id))
	}
	return out
}

// Values are what holds, by key.
type Values map[string]string

// Values is Explain without the reasons.
func (b *Book) Values(site, id string) Values {
	v := make(Values, len(keys))
	for _, k := range keys {
		v[k.Name] = b.effective(k, site, id).Value
	}
	return v
}

// Difference is a setting of which another value holds.
type Difference struct {
	Key    string `json:"key"`
	Before Said   `json:"before"`
	After  Said   `json:"after"`
}

// Alters lists what other book holds differently of a site, or (id is not empty) of what is
// each endpoint's own.
func (b *Book) Alters(other *Book, site, id string) (out []Difference) {
	for _, k := range keys {
		if (k.Of == OfEndpoint) != (id != "") {
			continue
		}
		before, after := b.effective(k, site, id), other.effective(k, site, id)
		if before.Value != after.Value {
			out = append(out, Difference{k.Name, before.Said, after.Said})
		}
	}
	return out
}

// effective says what holds of one setting.
func (b *Book) effective(k Key, site, id string) Effective {
	var all []Said
	add := func(scope Scope) {
		if value, ok := b.said[scope][k.Name]; ok {
			all = append(all, Said{value, scope})
		}
	}
	own := k.Of == OfEndpoint && id != ""
	if own {
		add(Scope{Endpoint, id})
	}
	add(Scope{Site, site})
	conflict := ""
	var first *Tagged // that says something
	for _, t := range b.borne(site, id, own) {
		n := len(all)
		add(Scope{Tag, t.Name})
		switch {
		case len(all) == n:
		case first == nil:
			first = t
		case t.Priority == first.Priority && conflict == "" && all[n].Value != b.said[Scope{Tag, first.Name}][k.Name]:
			conflict = fmt.Sprintf("tags %s and %s have priority %d and disagree: the first by name counts", first.Name, t.Name, t.Priority)
		}
	}
	add(Scope{Organisation, ""})
	all = append(all, Said{k.Default, Scope{Level: Default}})
	return Effective{Key: k.Name, Said: all[0], Overridden: all[1:], Conflict: conflict}
}

// borne lists the tags of a site and, where they count, of an endpoint: the strongest first.
func (b *Book) borne(site, id string, own bool) []*Tagged {
	tags := slices.Clone(b.sites[site])
	if own {
		for _, t := range b.endpoints[id] {
			if !slices.Contains(tags, t) {
				tags = append(tags, t)
			}
		}
	}
	slices.SortFunc(tags, func(x, y *Tagged) int {
		return cmp.Or(cmp.Compare(y.Priority, x.Priority), cmp.Compare(x.Name, y.Name))
	})
	return tags
}

// SiteSettings is what holds at a site, as it is obeyed.
type SiteSettings struct {
	Rate      int64        // bytes per second that the line is said to carry, or None
	Cap       int64        // bytes per second, or None
	CapHours  *Week[int64] // bits per second or None; nil: nothing is bound by the hour
	Windows   *Week[bool]  // nil: always open
	Allowance int64        // bytes in a month, or None
	NoRelay   bool
	HoldOff   time.Duration
	Replicas  int
	PeersOn   []string
}

// EndpointSettings is what holds at an endpoint. A number of None is no bound.
type EndpointSettings struct {
	Allowance, CacheQuota, CacheFloor int64
	CacheIdle                         time.Duration
}

// SiteSettings reads the values of a site. Its error names one that can't be read, which a
// newer release may have written; the others are there all the same.
func (v Values) SiteSettings() (s SiteSettings, err error) {
	var errs [8]error
	s.Rate, errs[0] = read(v, WANRate, ParseRate, None)
	s.Cap, errs[1] = read(v, WANCap, ParseRate, None)
	s.CapHours, errs[2] = read(v, WANCapHours, ParseRates, nil)
	s.Windows, errs[3] = read(v, Windows, ParseWindows, nil)
	s.Allowance, errs[4] = read(v, MonthlyAllowance, ParseSize, None)
	s.HoldOff, errs[5] = read(v, HoldOff, parseHoldOff, 0)
	s.Replicas, errs[6] = read(v, Replicas, ParseReplicas, 0)
	s.PeersOn, errs[7] = read(v, PeersOn, ParseNetworks, nil)
	s.NoRelay = v[Relay] == RelayNever
	for _, rate := range []*int64{&s.Rate, &s.Cap} {
		if *rate != None {
			*rate /= 8
		}
	}
	return s, errors.Join(errs[:]...)
}

// EndpointSettings reads the values of an endpoint, as SiteSettings does.
func (v Values) EndpointSettings() (s EndpointSettings, err error) {
	var errs [4]error
	s.Allowance, errs[0] = read(v, EndpointAllowance, ParseSize, None)
	s.CacheQuota, errs[1] = read(v, CacheQuota, ParseSize, None)
	s.CacheFloor, errs[2] = read(v, CacheFloor, ParseSize, None)
	s.CacheIdle, errs[3] = read(v, CacheIdle, ParseIdle, None)
	return s, errors.Join(errs[:]...)
}

// read parses the value of a setting; where there is none, or it can't be read, it is
// what is given.
func read[V any](v Values, key string, parse func(string) (V, error), otherwise V) (V, error) {
	text, ok := v[key]
	if !ok {
		return otherwise, nil
	}
	value, err := parse(text)
	if err != nil {
		return otherwise, fmt.Errorf("setting %s: %w", key, err)
	}
	return value, nil
}

// Particular lists the endpoints of which something is set, by themselves or as bearers of
// a tag, in order.
func (b *Book) Particular() []string {
	ids := slices.Collect(maps.Keys(b.endpoints))
	for scope := range b.said {
		if scope.Level == Endpoint {
			ids = append(ids, scope.Subject)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
