package agent

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
)

// What the server itself says is not looked for on the way to it: an endpoint that was
// revoked is told of no captive portal.
func TestOnlyTheServersOwnWordsAreARefusal(t *testing.T) {
	for _, c := range []struct {
		answer refusal
		own    bool
	}{
		{refusal{status: http.StatusUnauthorized, code: "revoked", detail: "this endpoint was revoked"}, true},
		{refusal{status: http.StatusUnauthorized, detail: "log on first"}, false},
		{refusal{status: http.StatusForbidden, foreign: true}, false},
	} {
		why := new(wire.RefusedError)
		if own := errors.As(fmt.Errorf("get a token: %w", &c.answer), &why); own != c.own || own && (why.Code != c.answer.code || why.Detail != c.answer.detail) {
			t.Errorf("%+v is a refusal of the server: %v (%+v), want %v", c.answer, own, why, c.own)
		}
	}
}
