// Package content says what content is: how a version is named, how its bytes
// are ordered and cut, what its body lists, and whose signature makes it true.
//
// A version is one stream of bytes: its files in canonical order ([Order]), cut
// object by object ([Objects]) into chunks ([Split]). The [Body] lists the chunks
// and the files; the [Head] names the body by digest and is signed by a publisher
// that the organisation's [Trust] document lists. Whatever comes from elsewhere is
// bounded before memory is taken for it, and has one accepted encoding.
//
// The package does no I/O and reads no clock; packages pack, blob, chunk and
// ingest keep and move what is described here.
package content

import (
	"fmt"
	"strings"
)

// MaxNameBytes bounds the name of content, and of one of its versions.
const MaxNameBytes = 100

// Ref names one version of one content. As text it is NAME@VERSION.
type Ref struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func (r Ref) String() string { return r.Name + "@" + r.Version }

// ParseRef reads NAME@VERSION and checks both parts.
func ParseRef(s string) (Ref, error) {
	name, version, found := strings.Cut(s, "@")
	if !found {
		return Ref{}, fmt.Errorf("%.120q is not of the form NAME@VERSION", s)
	}
	r := Ref{Name: name, Version: version}
	return r, r.Check()
}

// Check reports whether both parts are well formed.
func (r Ref) Check() error {
	if err := CheckName(r.Name); err != nil {
		return err
	}
	return CheckVersion(r.Version)
}

// CheckName accepts the name of content: 1 to [MaxNameBytes] ASCII letters,
// digits, dots, underscores and hyphens, beginning with a letter or digit and
// not ending in a dot. Names become folders, so device names are refused.
func CheckName(s string) error { return checkWord("name", s, "._-") }

// CheckVersion accepts what [CheckName] does, and '+' (semantic versions).
func CheckVersion(s string) error { return checkWord("version", s, "._-+") }

func checkWord(what, s, punctuation string) error {
	if s == "" || len(s) > MaxNameBytes {
		return fmt.Errorf("%s of %d bytes, want 1 to %d", what, len(s), MaxNameBytes)
	}
	for i := range len(s) {
		c := s[i]
		alnum := '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		if !alnum && (i == 0 || strings.IndexByte(punctuation, c) < 0) {
			return fmt.Errorf("%s %q has %q at byte %d", what, s, c, i)
		}
	}
	if strings.HasSuffix(s, ".") {
		return fmt.Errorf("%s %q ends in a dot", what, s)
	}
	if isDevice(s) {
		return fmt.Errorf("%s %q is the name of a device on Windows", what, s)
	}
	return nil
}
