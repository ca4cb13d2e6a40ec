package api

import (
	"fmt"
	"strings"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/evidence"
)

// maxQuarantineNames bounds the endpoints that are named of a network.
const maxQuarantineNames = 5

// quarantined is what wants attention about those who are at no site, by network.
func quarantined(all []evidence.Standing) (out []board.Attention) {
	for _, q := range evidence.Quarantine(all) {
		if len(out) == board.MaxAttention {
			break
		}
		names := strings.Join(q.Names[:min(len(q.Names), maxQuarantineNames)], ", ")
		if more := q.Endpoints - maxQuarantineNames; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		text := names + " in quarantine: " + q.Detail
		if len(q.Settle) > 0 {
			text += "; settle it with: " + strings.Join(q.Settle, ", or ")
		}
		out = append(out, board.Attention{Code: board.AttentionQuarantine, Text: text})
	}
	return out
}
