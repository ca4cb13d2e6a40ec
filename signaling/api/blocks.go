package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// NewBlock keeps a content, or one version of it, away from a site or all.
type NewBlock struct {
	Site    string `json:"site,omitempty"`
	Content string `json:"content"`
	Version string `json:"version,omitempty"`
	Reason  string `json:"reason,omitempty" maxLength:"160" doc:"Why, for operators and the status of endpoints."`
}

func (n NewBlock) sites() []string { return []string{n.Site} }

// BlockView is a block that stands, and how far it is obeyed.
type BlockView struct {
	catalog.Rule
	// Gone is how many endpoints that are online hold nothing of it any more, Holding how many
	// have not said so yet, and Offline how many of those that enrolled will hear of it when
	// they return. Pages are not counted: they get nothing more, and keep what they had.
	Gone    int `json:"gone"`
	Holding int `json:"holding"`
	Offline int `json:"offline"`
}

type blocksQuery struct {
	Site    string `query:"site" maxLength:"100"`
	Content string `query:"content" maxLength:"100"`
	PageAfter
}

func (s *server) blocks() {
	register(s, about(scopeBody, operation("POST", "/blocks", "block", "Keep a content or version away, and have all of it deleted", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body NewBlock }) (*reply[Change], error) {
			return s.block(ctx, in.Body)
		})
	register(s, about(scopeBody, operation("POST", "/blocks/end", "unblock", "End blocks", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body EndedRules }) (*reply[Change], error) {
			which := catalog.Selector{Site: in.Body.Site, Name: in.Body.Content, Version: in.Body.Version}
			if err := s.exists(ctx, which); err != nil {
				return nil, err
			}
			removed, generation, err := s.Catalog.ClearRules(ctx, actor(ctx), catalog.RuleBlock, which)
			if err != nil {
				return nil, err
			}
			s.Hub.Changed("")
			return &reply[Change]{Change{Generation: generation, Removed: removed}}, nil
		})
	registerList(s, operation("GET", "/blocks", "list-blocks", "List blocks, the oldest first, and how far they are obeyed", catalog.RoleViewer),
		func(b BlockView) string { return b.Site },
		func(ctx context.Context, in *blocksQuery) (*listed[BlockView], error) { return s.listBlocks(ctx, *in) })
}

func (s *server) block(ctx context.Context, in NewBlock) (*reply[Change], error) {
	rule := catalog.Rule{Kind: catalog.RuleBlock, Reason: in.Reason, Selector: catalog.Selector{Site: in.Site, Name: in.Content, Version: in.Version}}
	if err := catalog.CheckKeeping(rule, rule.Expires); err != nil {
		return nil, bad(err.Error(), "")
	}
	if err := s.exists(ctx, rule.Selector); err != nil {
		return nil, err
	}
	rules, err := s.Catalog.Rules(ctx)
	if err != nil {
		return nil, err
	}
	stand := 0
	for _, r := range rules {
		if r.Kind == catalog.RuleBlock && r.Selector != rule.Selector {
			stand++
		}
	}
	if stand >= catalog.MaxBlocks {
		return nil, &Problem{Status: http.StatusConflict, Code: "conflict", Detail: fmt.Sprintf("%d blocks stand already", stand),
			Hint: "end some with `sitecast unblock`, or block a content and not each of its versions"}
	}
	generation, err := s.Catalog.SetRule(ctx, actor(ctx), rule)
	if err != nil {
		return nil, err
	}
	s.Hub.Changed(in.Site)
	return &reply[Change]{Change{Generation: generation}}, nil
}

func (s *server) listBlocks(ctx context.Context, q blocksQuery) (*listed[BlockView], error) {
	rules, err := s.listRules(ctx, rulesQuery{Kind: catalog.RuleBlock, Site: q.Site, Content: q.Content, PageAfter: q.PageAfter})
	if err != nil {
		return nil, err
	}
	names, err := s.runningOf(ctx, "")
	if err != nil {
		return nil, err
	}
	online := s.online(names, endpointsQuery{}, func(site.EndpointView) bool { return true })
	enrolled, err := s.enrolledAt(ctx)
	if err != nil {
		return nil, err
	}
	out := &listed[BlockView]{Link: rules.Link, Body: []BlockView{}}
	for _, r := range rules.Body {
		out.Body = append(out.Body, obeyed(asker(ctx), r.Rule, online, enrolled))
	}
	return out, nil
}

// enrolledAt says of the endpoints that enrolled at which site they did.
func (s *server) enrolledAt(ctx context.Context) (map[wire.EndpointID]string, error) {
	at := map[wire.EndpointID]string{}
	for after := ""; ; {
		rows, err := s.Catalog.Endpoints(ctx, "", after, catalog.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, e := range rows {
			at[wire.EndpointID(e.ID)] = e.Site
		}
		if len(rows) < catalog.MaxPage {
			return at, nil
		}
		after = rows[len(rows)-1].ID
	}
}

// obeyed counts who obeys a block, at the sites that who asks may see, pages among them. An
// endpoint obeys a generation when nothing that it blocks is on its disk, or in its browser.
func obeyed(who Actor, r catalog.Rule, online []site.EndpointView, enrolled map[wire.EndpointID]string) BlockView {
	v := BlockView{Rule: r}
	here := map[wire.EndpointID]bool{}
	for _, e := range online {
		here[e.ID] = true
		switch {
		case r.Site != "" && r.Site != e.Site, !who.sees(e.Site):
		case e.Obeyed >= r.Generation:
			v.Gone++
		default:
			v.Holding++
		}
	}
	for id, name := range enrolled {
		if !here[id] && (r.Site == "" || r.Site == name) && who.sees(name) {
			v.Offline++
		}
	}
	return v
}
