package policy_test

import (
	"testing"

	"github.com/sitecast/sitecast/storage/policy"
)

func TestTariffs(t *testing.T) {
	for text, want := range map[string]string{
		"0.08EUR/GB": "0.08EUR/GB", "0.08 eur/gb": "0.08EUR/GB", "40 USD/TB": "0.04USD/GB", "1CHF/MB": "1000CHF/GB", "0eur/gb": "0EUR/GB", " none ": "none", "12EUR / GB": "12EUR/GB",
	} {
		got, err := policy.ParseTariff(text)
		if got.String() != want || err != nil {
			t.Errorf("%q: got %s (%v), want %s", text, got, err, want)
		}
		if again, err := policy.ParseTariff(got.String()); again != got || err != nil {
			t.Errorf("%s: got %s (%v) when it is read again", got, again, err)
		}
	}
	for _, bad := range []string{"", "0.08", "EUR/GB", "-1EUR/GB", "0.08EUR", "0.08€/GB", "1e3EUR/GB", "0.12345678EUR/GB", "9999999EUR/GB", "1EUR/KB", "1EURO/GB"} {
		if got, err := policy.ParseTariff(bad); err == nil {
			t.Errorf("%q: got %s, want an error", bad, got)
		}
	}
}

func TestMoney(t *testing.T) {
	tariff := policy.Tariff{Micros: 80_000, Currency: "EUR"}
	if got := tariff.Of(25_000_000_000); got != 2 {
		t.Errorf("25 GB for 0.08 each: got %v, want 2", got)
	}
}

func TestTariffOfASite(t *testing.T) {
	tariff := func(level policy.Level, subject, value string) policy.Setting {
		return policy.Setting{Scope: policy.Scope{Level: level, Subject: subject}, Key: policy.WANTariff, Value: value}
	}
	all := policy.NewBook([]policy.Setting{tariff(policy.Organisation, "", "1EUR/GB")}, nil)
	if got, same := all.Tariffs(); got.String() != "1EUR/GB" || !same {
		t.Errorf("got %s, %v", got, same)
	}
	ship := policy.NewBook([]policy.Setting{tariff(policy.Organisation, "", "1EUR/GB"), tariff(policy.Tag, "ships", "9USD/GB"), tariff(policy.Site, "free", "none")},
		[]policy.Tagged{{Name: "ships", Sites: []string{"ship"}}})
	if got, same := ship.Tariffs(); same {
		t.Errorf("got %s for all, want that they differ", got)
	}
	for site, want := range map[string]string{"ship": "9USD/GB", "shop": "1EUR/GB", "free": "none"} {
		if got := ship.TariffAt(site); got.String() != want {
			t.Errorf("%s: got %s, want %s", site, got, want)
		}
	}
}

// FuzzTariff holds that whatever is written is a price that is read again as what it is
// kept as, or an error.
func FuzzTariff(f *testing.F) {
	for _, text := range []string{"0.08EUR/GB", "40 usd / tb", "none", "1000000CHF/GB", "0.000001EUR/TB", "1EUR/MB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := policy.ParseTariff(text)
		if err != nil {
			return
		}
		if got.Micros < 0 || got.Of(1<<53) < 0 {
			t.Fatalf("%q: got %+v", text, got)
		}
		if again, err := policy.ParseTariff(got.String()); again != got || err != nil {
			t.Fatalf("%q is %s, and that %s (%v)", text, got, again, err)
		}
	})
}
