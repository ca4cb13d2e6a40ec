package governor_test

import (
	"encoding/csv"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
)

// replay feeds a controller what was once measured. What came then does not depend on
// the rates it decides now, so that only a few of them can be compared.
func replay(t *testing.T, file string, c *governor.Controller) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.Comment = '#'
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) float64 {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		return x
	}
	ms := func(s string) time.Duration { return time.Duration(number(s) * float64(time.Millisecond)) }
	for _, l := range lines[1:] {
		c.Step(governor.Sample{Now: time.Unix(0, 0).Add(ms(l[0])), Fresh: l[1] == "true", Again: l[2] == "true",
			Queue: ms(l[3]), Base: ms(l[4]), Taken: int64(number(l[5])), Wants: l[6] == "true"})
	}
}

// TestFeelingPastTheEndLearnsWhatCame: probes that wait for each other show the end of
// the line late. It had asked for 3.1 MB/s by then, and stood back for nobody.
func TestFeelingPastTheEndLearnsWhatCame(t *testing.T) {
	c := governor.NewController(governor.Limits{})
	replay(t, "testdata/feels-past-the-end.csv", c)
	const line = 20e6 / 8 * segment / onWire
	if got := c.Capacity() / line; got < 0.9 || got > 1.1 {
		t.Errorf("it believes in %.3f of what the line carries, want all", got)
	}
}
