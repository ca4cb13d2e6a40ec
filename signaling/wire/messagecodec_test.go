package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestAMessageLooksLikeItsKind(t *testing.T) {
	for _, kind := range []wire.Kind{wire.KindProgress, wire.KindAck, wire.KindObeyed} {
		text, err := wire.Encode(kind, 7, 3, json.RawMessage(`{}`))
		if err != nil || !wire.LooksLike(text, kind) || wire.LooksLike(text, "pro") || wire.LooksLike(text, kind+"x") || wire.LooksLike(text[:9], kind) {
			t.Errorf("%s (%v) does not look like %s, or like others", text, err, kind)
		}
	}
}
