package catalogtest

import (
	"testing"

	"github.com/sitecast/sitecast/storage/catalog"
)

// windowIsKept: the window of a distribution counts where it is the last of its version.
func windowIsKept(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	publish(t, c, "app", "2")
	at := func() string {
		t.Helper()
		all := catalog.Resolve(orders(t, c, "shop"))
		if len(all) != 1 {
			t.Fatalf("got %+v, want one order", all)
		}
		return all[0].Window
	}
	const night = "mon-fri 22:00-05:00 open; * closed"
	for _, window := range []string{night, "sat open; * closed", "", night} {
		distribute(t, c, catalog.Distribution{Name: "app", Version: "2", All: true, Priority: "normal", Aim: catalog.Aim{Window: window}})
		if got := at(); got != window {
			t.Errorf("the window is %q, want %q", got, window)
		}
		if got := newest(t, c).Window; got != window {
			t.Errorf("it is listed with the window %q, want %q", got, window)
		}
	}
}
