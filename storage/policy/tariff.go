package policy

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Tariff is what bytes over the WAN cost. Its zero value says that nobody knows.
type Tariff struct {
	Micros   int64  // millionths of the currency for a GB
	Currency string // as EUR; empty: not known
}

const (
	micro = 1_000_000
	// maxPrice is far beyond any line, in units of the currency for a GB.
	maxPrice = 1_000_000
	gigabyte = 1_000_000_000
)

// tariffText is how a tariff is written.
var tariffText = regexp.MustCompile(`^([0-9]+(?:\.[0-9]{1,6})?) ?([A-Za-z]{3}) ?/ ?([Gg][Bb]|[Tt][Bb]|[Mm][Bb])$`)

// perGB is what a unit of a tariff is of a GB.
var perGB = map[string]float64{"GB": 1, "TB": 1e-3, "MB": 1e3}

// ParseTariff reads a price for bytes over the WAN: 0.08EUR/GB, 40 USD/TB, or none.
func ParseTariff(text string) (Tariff, error) {
	if word(text) == none {
		return Tariff{}, nil
	}
	wrong := fmt.Errorf("%.40q is not a price such as 0.08EUR/GB, 40USD/TB or none", text)
	parts := tariffText.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return Tariff{}, wrong
	}
	price, err := strconv.ParseFloat(parts[1], 64)
	price *= perGB[strings.ToUpper(parts[3])]
	if err != nil || price > maxPrice {
		return Tariff{}, wrong
	}
	return Tariff{int64(math.Round(price * micro)), strings.ToUpper(parts[2])}, nil
}

func (t Tariff) String() string {
	if t.Currency == "" {
		return none
	}
	price := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%06d", t.Micros/micro, t.Micros%micro), "0"), ".")
	return price + t.Currency + "/GB"
}

// Of is what bytes cost, in units of the currency.
func (t Tariff) Of(bytes int64) float64 {
	return float64(bytes) / gigabyte * float64(t.Micros) / micro
}

// TariffAt is what bytes over the WAN of a site cost.
func (b *Book) TariffAt(site string) Tariff {
	k, err := Find(WANTariff)
	if err != nil {
		return Tariff{}
	}
	t, _ := ParseTariff(b.effective(k, site, "").Value) // what can't be read, a newer release wrote
	return t
}

// Tariffs returns what bytes cost at all sites, and true, where none has a tariff of its own.
func (b *Book) Tariffs() (all Tariff, same bool) {
	for scope, said := range b.said {
		if _, own := said[WANTariff]; own && scope.Level != Organisation {
			return Tariff{}, false
		}
	}
	return b.TariffAt(""), true
}
