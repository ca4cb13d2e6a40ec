package finding_test

import (
	"testing"

	"github.com/sitecast/sitecast/signaling/wire/finding"
)

func TestTextSaysWhatWasSeenAndWhatToDo(t *testing.T) {
	found := []finding.Finding{
		{Rung: "name", Mark: finding.OK, Seen: "it is known"},
		{Rung: "UDP", Mark: finding.Fail, Fault: finding.UDP, Seen: "nothing answers", Do: "let it pass."},
		{Rung: "relay over TCP", Mark: finding.Skipped, Seen: "it was not tried"},
	}
	const want = `ok    name            it is known
FAIL  UDP             UDP blocked: nothing answers
-     relay over TCP  it was not tried

Which way: none.
What to do: UDP blocked: let it pass.
`
	if got := finding.Text(found, "none.", found[1].Advice()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
