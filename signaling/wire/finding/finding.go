// Package finding is what an examination of a way through networks finds, rung by rung,
// in words for people: that of an endpoint at its own host, and that of two endpoints
// from the server. Both say it alike, to people and to scripts.
package finding

import (
	"fmt"
	"strings"
)

// Mark says what became of a rung.
type Mark string

// The marks.
const (
	OK      Mark = "ok"
	Warn    Mark = "warn" // there is a way, with less
	Fail    Mark = "fail"
	Skipped Mark = "skipped" // nothing can be said
)

// Fault is the name of what is wrong.
type Fault string

// The faults that show at an endpoint as well as between two.
const (
	UDP       Fault = "UDP blocked"
	Relay     Fault = "relay unreachable"
	NAT       Fault = "symmetric NAT"
	Isolation Fault = "client isolation"
)

// Rung is a step of a ladder of ways.
type Rung string

// Finding is what was seen on a rung.
type Finding struct {
	Rung  Rung   `json:"rung"`
	Mark  Mark   `json:"mark"`
	Fault Fault  `json:"fault,omitempty"`
	Seen  string `json:"seen"`
	Do    string `json:"do,omitempty"`

	Way string `json:"-"` // how the rung is passed, for who sums up
}

// Advice is what to do about a fault, by its name.
func (f Finding) Advice() string {
	if f.Fault == "" {
		return f.Do
	}
	return fmt.Sprintf("%s: %s", f.Fault, f.Do)
}

// NothingToDo is the advice where all is well.
const NothingToDo = "Nothing: nothing stands in the way."

// Text is a report for people: the findings, which way is used and what to do.
func Text(found []Finding, path, advice string) string {
	marks := map[Mark]string{OK: "ok", Warn: "warn", Fail: "FAIL", Skipped: "-"}
	var b strings.Builder
	for _, f := range found {
		fault := ""
		if f.Fault != "" {
			fault = string(f.Fault) + ": "
		}
		fmt.Fprintf(&b, "%-4s  %-14s  %s%s\n", marks[f.Mark], f.Rung, fault, f.Seen)
	}
	fmt.Fprintf(&b, "\nWhich way: %s\nWhat to do: %s\n", path, advice)
	return b.String()
}

// Faults are the faults among findings, in their order.
func Faults(found []Finding) (faults []Fault) {
	for _, f := range found {
		if f.Fault != "" {
			faults = append(faults, f.Fault)
		}
	}
	return faults
}
