package evidence_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/evidence"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestCSVIsRead(t *testing.T) {
	want := []catalog.Network{{CIDR: "10.1.0.0/16", Site: "a", Kind: "lan"}, {CIDR: "203.0.113.7/32", Site: "b", Kind: "egress"}}
	for name, text := range map[string]string{
		"plain":               "cidr,site,kind\n10.1.0.0/16,a,lan\n203.0.113.7,b,egress\n",
		"of Windows":          "\ufeffcidr,site,kind\r\n10.1.0.0/16,a,lan\r\n203.0.113.7/32,b,egress",
		"of a table program":  "CIDR;Site;Kind\n10.1.0.0/16;a;lan\n203.0.113.7;b;egress\n",
		"in another order":    "site,note,kind,cidr\na,the first,lan,10.1.0.0/16\nb,\"says \"\"b\"\"\",egress,203.0.113.7\n",
		"quoted and indented": "cidr, site, kind\n\"10.1.0.0/16\", a, \"lan\"\n\n203.0.113.7, b, egress\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := evidence.ReadCSV([]byte(text))
			if err != nil || !slices.Equal(networksOf(got), want) {
				t.Errorf("got %v (%v), want %v", got, err, want)
			}
		})
	}
	got, err := evidence.ReadCSV([]byte("cidr,site\n10.1.0.0/16,a\n"))
	if err != nil || len(got) != 1 || got[0].Kind != catalog.NetworkLAN || got[0].Line != 2 {
		t.Errorf("got %v (%v), want a LAN of line 2", got, err)
	}
}

func TestEachBadLineIsToldByItsNumber(t *testing.T) {
	text := "cidr,site,kind\n10.1.0.0/16,a,lan\n10.1.0.7/16,a,lan\n10.2.0.0/16\n10.3.0.0/16,a,wan\n=cmd|' /C calc'!A0,a,lan\n10.4.0.0/16,=1+1,lan\n0.0.0.0/0,a,lan\n\"10.5.0.0/16,a\n"
	got, err := evidence.ReadCSV([]byte(text))
	var bad evidence.BadLines
	if !errors.As(err, &bad) || got != nil {
		t.Fatalf("got %v (%v), want bad lines", got, err)
	}
	var lines []int
	for _, b := range bad {
		lines = append(lines, b.Line)
	}
	if want := []int{3, 4, 5, 6, 7, 8}; len(lines) != 7 || !slices.Equal(lines[:6], want) {
		t.Errorf("got bad lines %v, want %v and the one that does not end:\n%v", lines, want, err)
	}
	for _, want := range []string{"line 3: network 10.1.0.7/16 has bits set behind its prefix: did you mean 10.1.0.0/16?", "line 5: kind \"wan\"", "bad lines: 7"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestFilesThatAreNoMapAreRefused(t *testing.T) {
	many := "cidr,site\n" + strings.Repeat("10.1.0.7/16,a\n", 200)
	for name, text := range map[string]string{
		"empty":              "",
		"without a header":   "10.1.0.0/16,a,lan\n",
		"of something else":  "name,address\na,10.1.0.0/16\n",
		"too long":           "cidr,site\n" + strings.Repeat(" ", evidence.MaxCSVBytes),
		"with bad lines all": many,
	} {
		got, err := evidence.ReadCSV([]byte(text))
		if err == nil || got != nil {
			t.Errorf("%s: got %v (%v), want an error", name, got, err)
			continue
		}
		if n := strings.Count(err.Error(), "\n"); n > 50 {
			t.Errorf("%s: the error has %d lines", name, n)
		}
	}
}

// What is exported is imported again, and no table program takes a cell of it for a formula.
func TestCSVIsWritten(t *testing.T) {
	lines, err := evidence.ReadCSV([]byte(chain))
	if err != nil {
		t.Fatal(err)
	}
	text := evidence.WriteCSV(networksOf(lines))
	again, err := evidence.ReadCSV(text)
	if err != nil || !slices.Equal(networksOf(again), networksOf(lines)) {
		t.Errorf("got %v (%v) again, want %v", again, err, lines)
	}
	for _, sign := range "=+-@\t\r" {
		if _, err := (catalog.Network{CIDR: "10.1.0.0/16", Site: string(sign) + "a"}).Normal(); err == nil {
			t.Errorf("a site may be called %q", string(sign)+"a")
		}
		if _, err := (catalog.Network{CIDR: string(sign) + "10.1.0.0/16", Site: "a"}).Normal(); err == nil {
			t.Errorf("a network may begin with %q", sign)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte(chain))
	f.Add([]byte("cidr;site\n\"10.0.0.0/8\";a\n"))
	f.Add([]byte("cidr,site,kind\n\"10.0.0.0/8,a\nx"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines, err := evidence.ReadCSV(text)
		if err != nil {
			_ = err.Error()
			return
		}
		again, err := evidence.ReadCSV(evidence.WriteCSV(networksOf(lines)))
		if err != nil || fmt.Sprint(networksOf(again)) != fmt.Sprint(networksOf(lines)) {
			t.Fatalf("written and read again it is %v (%v), not %v", again, err, lines)
		}
		if _, err := evidence.NewMap(networksOf(lines)); err != nil {
			t.Fatal(err)
		}
	})
}
