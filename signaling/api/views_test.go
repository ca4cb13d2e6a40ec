package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
)

func TestSavedViewsAreOnesOwn(t *testing.T) {
	s := newStand(t)
	one, other := s.scoped(viewer), s.scoped(viewer, "shop-1")
	put := func(token string, views ...api.SavedView) (status int, body string) {
		w := s.with(token, "PUT", "/api/v1/me/views", api.SavedViews{Views: views})
		return w.Code, w.Body.String()
	}
	get := func(token string) (out api.SavedViews) {
		s.must(json.Unmarshal(s.with(token, "GET", "/api/v1/me/views", nil).Body.Bytes(), &out))
		return out
	}
	if got := get(one); len(got.Views) != 0 {
		t.Errorf("before any were saved there are %+v", got)
	}
	mine := []api.SavedView{{Name: "failed", Page: "flows", Query: "state=failed"}, {Name: "by site", Page: "flows", Query: "group=site&sort=wan&down=1"}}
	if status, body := put(one, mine...); status != http.StatusOK {
		t.Fatalf("saving answered %d %s", status, body)
	}
	if got := get(one); !reflect.DeepEqual(got.Views, mine) {
		t.Errorf("got %+v, want %+v", got.Views, mine)
	}
	if got := get(other); len(got.Views) != 0 {
		t.Errorf("somebody else has %+v", got)
	}
	var many []api.SavedView
	for i := range 51 {
		many = append(many, api.SavedView{Name: fmt.Sprint(i), Page: "flows"})
	}
	for what, views := range map[string][]api.SavedView{"twice the same name": {mine[0], mine[0]}, "no name": {{Page: "flows"}}, "no page": {{Name: "x", Page: "nowhere"}}, "too many": many} {
		if status, _ := put(one, views...); status != http.StatusUnprocessableEntity {
			t.Errorf("%s answered %d", what, status)
		}
	}
	if status, _ := put(one); status != http.StatusOK || len(get(one).Views) != 0 {
		t.Error("the views could not be taken away")
	}
}
