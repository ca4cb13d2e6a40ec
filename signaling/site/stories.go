package site

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// ErrNoFlow means that a site has no flow of that name, and remembers none.
var ErrNoFlow = errors.New("the site has no such flow")

// Question names a flow, and of whom its story is to tell: of one endpoint, of as many as
// [reason.MaxParts], or (both are empty) of none.
type Question struct {
	content.Ref        // the newest flow of the content, where no version is said
	Endpoint    string // an id or a name
	All         bool
}

// said is the present reason of a flow.
func (s *Site) said(f *flow) reason.Why {
	r, since, _ := f.tale.why.Now()
	return r.Why(since, s.desired.Zone, s.subject(f.tale, ""))
}

// saidOf is that of an endpoint in it; nil: there is none.
func (s *Site) saidOf(f *flow, id wire.EndpointID) *reason.Why {
	p := f.tale.parts[id]
	if p == nil {
		return nil
	}
	r, since, ok := p.why.Now()
	if !ok {
		return nil
	}
	why := r.Why(since, s.desired.Zone, s.subject(f.tale, p.name))
	return &why
}

func (s *Site) subject(t *tale, endpoint string) reason.Subject {
	return reason.Subject{Site: s.cfg.Name, Flow: t.ref.String(), Endpoint: endpoint}
}

// recount asks the loop for stories.
type recount struct{ do func(s *Site) }

func (e recount) apply(s *Site, _ time.Time) { e.do(s) }

// recounted has the loop answer.
func recounted[T any](ctx context.Context, s *Site, do func(*Site) T) (out T, err error) {
	select {
	case <-s.ready:
	case <-s.done:
		return out, ErrStopped
	case <-ctx.Done():
		return out, ctx.Err()
	}
	reply := make(chan T, 1)
	if !s.Send(recount{func(s *Site) { reply <- do(s) }}) {
		return out, ErrStopped
	}
	select {
	case out = <-reply:
		return out, nil
	case <-s.done:
		return out, ErrStopped
	case <-ctx.Done():
		return out, ctx.Err()
	}
}

// Explain tells the story of a flow, or of one that ended a while ago.
func (s *Site) Explain(ctx context.Context, q Question) (reason.FlowStory, error) {
	found, err := recounted(ctx, s, func(s *Site) *reason.FlowStory {
		t := s.find(q.Ref)
		if t == nil {
			return nil
		}
		story := s.story(t, q)
		return &story
	})
	if err == nil && found == nil {
		err = ErrNoFlow
	}
	if err != nil {
		return reason.FlowStory{}, err
	}
	return *found, nil
}

// find returns the tale of a flow: of several versions the newest that is wanted, or else the
// one that ended last.
func (s *Site) find(ref content.Ref) *tale {
	is := func(t *tale) bool {
		return t.ref.Name == ref.Name && (ref.Version == "" || t.ref.Version == ref.Version)
	}
	var best *flow
	for _, f := range s.flows {
		if is(f.tale) && (best == nil || f.Head.Serial > best.Head.Serial) {
			best = f
		}
	}
	if best != nil {
		return best.tale
	}
	for _, t := range slices.Backward(s.tales.ended) {
		if is(t) {
			return t
		}
	}
	return nil
}

// story writes out a tale.
func (s *Site) story(t *tale, q Question) reason.FlowStory {
	r, since, _ := t.why.Now()
	story := reason.FlowStory{Site: s.cfg.Name, Content: t.ref.Name, Version: t.ref.Version, Ordered: t.ordered.UTC(),
		Why: r.Why(since, s.desired.Zone, s.subject(t, "")), History: t.why.Moments(s.desired.Zone), Endpoints: []reason.PartStory{}}
	if !t.ended.IsZero() {
		story.Ended = t.ended.UTC()
	}
	story.History = append(story.History, t.due.Moments(s.desired.Zone)...)
	slices.SortStableFunc(story.History, func(a, b reason.Moment) int { return a.At.Compare(b.At) })
	for _, id := range t.sorted() {
		p := t.parts[id]
		if !q.All && (q.Endpoint == "" || q.Endpoint != string(id) && q.Endpoint != p.name) {
			continue
		}
		if len(story.Endpoints) == reason.MaxParts {
			story.More++
			continue
		}
		if part, ok := s.partStory(t, id); ok {
			story.Endpoints = append(story.Endpoints, part)
		}
	}
	return story
}

// sorted lists who takes part, those first who lack something.
func (t *tale) sorted() []wire.EndpointID {
	done := func(p *partTale) int {
		if r, _, _ := p.why.Now(); r.Kind() == reason.Done {
			return 1
		}
		return 0
	}
	return slices.SortedFunc(maps.Keys(t.parts), func(a, b wire.EndpointID) int {
		pa, pb := t.parts[a], t.parts[b]
		return cmp.Or(cmp.Compare(done(pa), done(pb)), cmp.Compare(pa.name, pb.name), cmp.Compare(a, b))
	})
}

// partStory writes out what an endpoint's part in a flow was.
func (s *Site) partStory(t *tale, id wire.EndpointID) (reason.PartStory, bool) {
	p := t.parts[id]
	if p == nil {
		return reason.PartStory{}, false
	}
	r, since, ok := p.why.Now()
	subject := s.subject(t, p.name)
	story := reason.PartStory{Endpoint: string(id), Name: p.name, Flow: subject.Flow, Why: r.Why(since, s.desired.Zone, subject), History: p.why.Moments(s.desired.Zone)}
	if from, at, came := p.why.Source(); came {
		source := from.Why(at, s.desired.Zone, subject)
		story.Source = &source
	}
	return story, ok
}

// ExplainEndpoint tells of an endpoint what its part in each flow is, as they were ordered.
func (s *Site) ExplainEndpoint(ctx context.Context, id wire.EndpointID) ([]reason.PartStory, error) {
	return recounted(ctx, s, func(s *Site) []reason.PartStory {
		parts := []reason.PartStory{}
		for _, flow := range s.order {
			if part, ok := s.partStory(s.flows[flow].tale, id); ok {
				parts = append(parts, part)
			}
		}
		return parts
	})
}
