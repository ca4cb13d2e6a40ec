package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sitecast/sitecast/storage/catalog"
)

// SavedView is a page of the portal with its filters, under a name.
type SavedView struct {
	Name  string `json:"name" minLength:"1" maxLength:"60"`
	Page  string `json:"page" enum:"flows"`
	Query string `json:"query" maxLength:"1000" doc:"what stands behind the ? of the page's address"`
}

// SavedViews are all of somebody's, in their order.
type SavedViews struct {
	Views []SavedView `json:"views" maxItems:"50"`
}

// views adds what people save of the portal for themselves.
func (s *server) views() {
	register(s, about(scopeSelf, operation("GET", "/me/views", "show-views", "Show the own saved views of the portal", catalog.RoleViewer)),
		func(ctx context.Context, _ *struct{}) (*reply[SavedViews], error) {
			out, err := s.savedViews(ctx)
			return &reply[SavedViews]{out}, err
		})
	register(s, about(scopeSelf, operation("PUT", "/me/views", "save-views", "Replace the own saved views of the portal", catalog.RoleViewer)),
		func(ctx context.Context, in *struct{ Body SavedViews }) (*reply[SavedViews], error) {
			if err := checkViews(in.Body.Views); err != nil {
				return nil, err
			}
			text, err := json.Marshal(in.Body)
			if err != nil {
				return nil, err
			}
			return &reply[SavedViews]{in.Body}, s.Catalog.SetMeta(ctx, viewsKey(asker(ctx)), string(text))
		})
}

// viewsKey is the setting in which somebody's views are: a person's, or a token's, which may
// have the same name.
func viewsKey(who Actor) string {
	if who.session != nil {
		return "views of " + who.Name
	}
	return "views of " + who.via
}

func checkViews(all []SavedView) error {
	for i, v := range all {
		if slices.ContainsFunc(all[:i], func(o SavedView) bool { return o.Page == v.Page && o.Name == v.Name }) {
			return bad(fmt.Sprintf("two views are called %.60q", v.Name), "give each a name of its own")
		}
	}
	return nil
}

func (s *server) savedViews(ctx context.Context) (SavedViews, error) {
	out := SavedViews{Views: []SavedView{}}
	text, err := s.Catalog.Meta(ctx, viewsKey(asker(ctx)))
	if missing(err) {
		return out, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &out)
	}
	return out, err
}
