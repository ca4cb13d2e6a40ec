// Package target says which sites are meant by a query, as "tag:emea and not tag:pilot or
// name:store-1*". It is pure: whoever asks says what is known of a site. A query is live:
// it is asked whenever it matters, so a site that gets a tag later is meant from then on,
// and one that loses it is not.
//
//	query = and { "or" and }      what binds least
//	and   = not { "and" not }
//	not   = "not" not | "(" query ")" | term
//	term  = "all" | "tag:" NAME | "name:" PATTERN | "tz:" PATTERN
//
// In a pattern "*" stands for anything, also for nothing. Only the sites' own tags count,
// not those of their endpoints.
package target

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Limits of a query.
const (
	MaxBytes = 1000
	MaxTerms = 64
	MaxDepth = 16 // of parentheses and negations within each other
	maxStars = 8  // of one pattern
)

// Site is what a query can be asked of.
type Site struct {
	Name string
	TZ   string   // by its IANA name; empty: none
	Tags []string // that the site bears itself
}

// Query says which sites are meant. The zero value means none.
type Query struct{ root node }

// node is a part of a query.
type node interface {
	means(Site) bool
	// write appends the part, in parentheses where it binds less than what is around it.
	write(to *strings.Builder, around int)
	walk(func(node))
}

// How strongly parts bind.
const (
	bindsOr = iota
	bindsAnd
	bindsNot
)

type (
	either []node
	both   []node
	not    struct{ of node }
	term   struct{ key, value string } // "all" has no value
)

// Keys of terms.
const (
	keyAll  = "all"
	keyTag  = "tag"
	keyName = "name"
	keyTZ   = "tz"
)

// Means reports whether a site is meant.
func (q Query) Means(s Site) bool { return q.root != nil && q.root.means(s) }

// String writes the query as it is kept: Parse reads the same from it.
func (q Query) String() string {
	if q.root == nil {
		return ""
	}
	var b strings.Builder
	q.root.write(&b, bindsOr)
	return b.String()
}

// Tags lists the tags that a query names, in order.
func (q Query) Tags() (names []string) {
	if q.root == nil {
		return nil
	}
	q.root.walk(func(n node) {
		if t, ok := n.(term); ok && t.key == keyTag {
			names = append(names, t.value)
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

func (e either) means(s Site) bool {
	return slices.ContainsFunc(e, func(n node) bool { return n.means(s) })
}

func (b both) means(s Site) bool {
	return !slices.ContainsFunc(b, func(n node) bool { return !n.means(s) })
}

func (n not) means(s Site) bool { return !n.of.means(s) }

func (t term) means(s Site) bool {
	switch t.key {
	case keyTag:
		return slices.Contains(s.Tags, t.value)
	case keyName:
		return like(t.value, s.Name)
	case keyTZ:
		return s.TZ != "" && like(t.value, s.TZ)
	}
	return true
}

// like reports whether text is of a pattern.
func like(pattern, text string) bool {
	first, rest, starred := strings.Cut(pattern, "*")
	if !starred {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, first)
	if !ok {
		return false
	}
	for {
		var part string
		if part, rest, starred = strings.Cut(rest, "*"); !starred {
			return strings.HasSuffix(text, part)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
}

func (e either) write(to *strings.Builder, around int) {
	list(to, e, " or ", bindsOr, around)
}

func (b both) write(to *strings.Builder, around int) {
	list(to, b, " and ", bindsAnd, around)
}

func list(to *strings.Builder, parts []node, between string, binds, around int) {
	if binds < around {
		to.WriteByte('(')
		defer to.WriteByte(')')
	}
	for i, p := range parts {
		if i > 0 {
			to.WriteString(between)
		}
		p.write(to, binds+1)
	}
}

func (n not) write(to *strings.Builder, _ int) {
	to.WriteString("not ")
	n.of.write(to, bindsNot)
}

func (t term) write(to *strings.Builder, _ int) {
	to.WriteString(t.key)
	if t.key != keyAll {
		to.WriteString(":" + t.value)
	}
}

func (e either) walk(do func(node)) { walk(e, e, do) }
func (b both) walk(do func(node))   { walk(b, b, do) }

func (n not) walk(do func(node)) {
	do(n)
	n.of.walk(do)
}

func (t term) walk(do func(node)) { do(t) }

func walk(self node, parts []node, do func(node)) {
	do(self)
	for _, p := range parts {
		p.walk(do)
	}
}

// Tag is the query that means who bears a tag.
func Tag(name string) Query { return Query{term{keyTag, name}} }

// Parse reads a query.
func Parse(text string) (Query, error) {
	if len(text) > MaxBytes {
		return Query{}, fmt.Errorf("the query has %d bytes, limit %d", len(text), MaxBytes)
	}
	p := &parser{words: words(text)}
	root, err := p.either()
	if err != nil {
		root = nil
	}
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("%.60q comes after the end: put \"and\" or \"or\" before it", p.words[0])
	}
	q := Query{root}
	if err == nil && len(q.String()) > MaxBytes { // what is kept has to be read again
		err = fmt.Errorf("it is longer than %d bytes", MaxBytes)
	}
	if err != nil {
		return Query{}, fmt.Errorf("query: %w", err)
	}
	return q, nil
}

// words are what a query is made of: parentheses stand for themselves.
func words(text string) []string {
	return strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text))
}

type parser struct {
	words        []string // that are left
	terms, depth int
}

// take takes the next word if it is that, in lower or upper case.
func (p *parser) take(word string) bool {
	if len(p.words) == 0 || !strings.EqualFold(p.words[0], word) {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *parser) either() (node, error) {
	var parts either
	for {
		part, err := p.both()
		if err != nil {
			return nil, err
		}
		if same, ok := part.(either); ok { // what was in parentheses without need
			parts = append(parts, same...)
		} else {
			parts = append(parts, part)
		}
		if !p.take("or") {
			return single(parts, parts), nil
		}
	}
}

func (p *parser) both() (node, error) {
	var parts both
	for {
		part, err := p.not()
		if err != nil {
			return nil, err
		}
		if same, ok := part.(both); ok {
			parts = append(parts, same...)
		} else {
			parts = append(parts, part)
		}
		if !p.take("and") {
			return single(parts, parts), nil
		}
	}
}

// single is the one part that there is, or all.
func single(parts []node, all node) node {
	if len(parts) == 1 {
		return parts[0]
	}
	return all
}

func (p *parser) not() (node, error) {
	if p.depth++; p.depth > MaxDepth {
		return nil, fmt.Errorf("parentheses and \"not\" are more than %d deep", MaxDepth)
	}
	defer func() { p.depth-- }()
	switch {
	case len(p.words) == 0:
		return nil, errors.New("it ends where a term should stand: all, tag:NAME, name:PATTERN or tz:PATTERN")
	case p.take("not"):
		of, err := p.not()
		return not{of}, err
	case p.take("("):
		in, err := p.either()
		if err == nil && !p.take(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return in, err
	}
	word := p.words[0]
	p.words = p.words[1:]
	if p.terms++; p.terms > MaxTerms {
		return nil, fmt.Errorf("more than %d terms: give the sites a tag and name that", MaxTerms)
	}
	return parseTerm(word)
}

func parseTerm(word string) (node, error) {
	key, value, found := strings.Cut(word, ":")
	if key = strings.ToLower(key); key == keyAll && !found {
		return term{keyAll, ""}, nil
	}
	if !found || key != keyTag && key != keyName && key != keyTZ {
		return nil, fmt.Errorf("%.60q is no term: want all, tag:NAME, name:PATTERN or tz:PATTERN", word)
	}
	bad := strings.ContainsFunc(value, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+/*", r))
	})
	switch {
	case value == "" || bad:
		return nil, fmt.Errorf("%.60q: want letters, digits and . _ - + / * after the colon, without spaces", word)
	case key == keyTag && strings.Contains(value, "*"):
		return nil, fmt.Errorf("%.60q: tags are named in full, join several with \"or\"", word)
	case strings.Count(value, "*") > maxStars:
		return nil, fmt.Errorf("%.60q: more than %d stars", word, maxStars)
	}
	return term{key, value}, nil
}
