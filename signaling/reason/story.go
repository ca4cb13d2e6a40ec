package reason

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// MaxParts bounds the endpoints that the story of a flow tells of.
const MaxParts = 100

// FlowStory is what became of a flow.
type FlowStory struct {
	Site      string      `json:"site"`
	Content   string      `json:"content"`
	Version   string      `json:"version"`
	Ordered   time.Time   `json:"ordered"`
	Ended     time.Time   `json:"ended,omitzero" doc:"when it was not wanted any more; absent: it is"`
	Why       Why         `json:"why"`
	History   []Moment    `json:"history" doc:"changes of the reason, the oldest first, since this server began"`
	Endpoints []PartStory `json:"endpoints" doc:"those that were asked for, who lack something first"`
	More      int         `json:"more,omitempty" doc:"endpoints that were left out"`
}

// PartStory is what became of an endpoint's part in a flow.
type PartStory struct {
	Endpoint string   `json:"endpoint" doc:"id"`
	Name     string   `json:"name"`
	Flow     string   `json:"flow" doc:"NAME@V"`
	Why      Why      `json:"why"`
	Source   *Why     `json:"source,omitempty" doc:"from where bytes came last, and why from there; absent: none came"`
	History  []Moment `json:"history"`
}

// EndpointStory is where an endpoint is, and what holds up what it shall have.
type EndpointStory struct {
	Endpoint string      `json:"endpoint" doc:"id"`
	Name     string      `json:"name"`
	Site     string      `json:"site" doc:"where it is, or was last"`
	Enrolled string      `json:"enrolled,omitempty" doc:"the site where it enrolled"`
	Evidence string      `json:"evidence,omitempty" doc:"why it is at that site"`
	Why      Why         `json:"why"`
	Flows    []PartStory `json:"flows"`
}

// clock is how times of a story are written. Days are said where they change.
const (
	clock = "15:04:05"
	day   = "Mon 2 Jan 2006"
)

// Write prints the story: how it is, what to do, and how it came about.
func (s FlowStory) Write(w io.Writer, now time.Time, zone *time.Location) error {
	fmt.Fprintf(w, "%s@%s at %s: %s\n", s.Content, s.Version, s.Site, s.Why.Text)
	present(w, s.Why, now, zone)
	if err := timeline(w, s.Ordered, s.History, zone); err != nil {
		return err
	}
	for _, p := range s.Endpoints {
		fmt.Fprintln(w)
		if err := p.Write(w, p.Name, s.Ordered, now, zone); err != nil {
			return err
		}
	}
	if s.More > 0 {
		fmt.Fprintf(w, "\nand %d more endpoints\n", s.More)
	}
	return nil
}

// Write prints the story of a part, under a title. Times are told beside those since from.
func (p PartStory) Write(w io.Writer, title string, from, now time.Time, zone *time.Location) error {
	fmt.Fprintf(w, "%s: %s\n", title, p.Why.Text)
	present(w, p.Why, now, zone)
	if p.Source != nil && p.Source.Code != p.Why.Code {
		fmt.Fprintf(w, "  last source: %s\n", p.Source.Text)
	}
	return timeline(w, from, p.History, zone)
}

// Write prints the story of an endpoint, with histories of its flows or without.
func (s EndpointStory) Write(w io.Writer, histories bool, now time.Time, zone *time.Location) error {
	fmt.Fprintf(w, "%s: %s\n", s.Name, s.Why.Text)
	present(w, s.Why, now, zone)
	if s.Enrolled != "" && s.Enrolled != s.Site {
		fmt.Fprintf(w, "  it enrolled at %s, and is at %s%s\n", s.Enrolled, cmp.Or(s.Site, "no site"), because(s.Evidence))
	}
	for _, p := range s.Flows {
		if histories {
			fmt.Fprintln(w)
			if err := p.Write(w, p.Flow, p.began(), now, zone); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s: %s\n", p.Flow, p.Why.Text)
		present(w, p.Why, now, zone)
		if p.Source != nil && p.Source.Code != p.Why.Code {
			fmt.Fprintf(w, "  last source: %s\n", p.Source.Text)
		}
	}
	return nil
}

func because(evidence string) string {
	if evidence == "" {
		return ""
	}
	return ", because " + evidence
}

// began is when the first that is remembered was.
func (p PartStory) began() time.Time {
	if len(p.History) == 0 {
		return p.Why.Since
	}
	return p.History[0].At
}

// present says since when it is as it is, and what to do.
func present(w io.Writer, why Why, now time.Time, zone *time.Location) {
	format := clock
	if now.In(zone).Format(day) != why.Since.In(zone).Format(day) {
		format = "Mon 2 Jan " + clock
	}
	fmt.Fprintf(w, "  %s, since %s (%v)\n", why.Code, why.Since.In(zone).Format(format), max(now.Sub(why.Since), 0).Truncate(time.Second))
	if why.Do != "" {
		fmt.Fprintf(w, "  do: %s\n", why.Do)
	}
}

// timeline prints moments, the oldest first, with the time since the flow was ordered.
func timeline(w io.Writer, from time.Time, moments []Moment, zone *time.Location) error {
	var text strings.Builder
	t := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	today := ""
	for _, m := range moments {
		if d := m.At.In(zone).Format(day); d != today {
			today = d
			fmt.Fprintf(t, "  %s\n", d)
		}
		times := ""
		if m.Times > 1 {
			times = fmt.Sprintf(" (%d times, last at %s)", m.Times, m.Last.In(zone).Format(clock))
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s%s\n", m.At.In(zone).Format(clock), after(m.At.Sub(from)), m.Code, m.Text, times)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// after is a time since the beginning, as it is read: 4.5 s, 2m10s.
func after(d time.Duration) string {
	switch {
	case d < 0:
		return "before"
	case d < time.Minute:
		return fmt.Sprintf("+%.1f s", d.Seconds())
	}
	return "+" + d.Truncate(time.Second).String()
}
