package server

import (
	"crypto/ed25519"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// verdicts are what one trust document says of versions. Whoever holds the source's mu
// may use them.
type verdicts struct {
	root   ed25519.PublicKey // nil: nobody judges
	serial uint64
	trust  *content.Trust
	why    map[content.Ref]string // they are trusted no more; empty: they are
}

// forget has a version be judged again.
func (v *verdicts) forget(ref content.Ref) { delete(v.why, ref) }

// of says why the head of a version is trusted no more.
func (v *verdicts) of(d *site.Desired, spec *site.FlowSpec) (string, error) {
	if v.root == nil {
		return "", nil
	}
	if v.trust == nil || v.serial != d.TrustSerial {
		trust, err := content.OpenTrust(d.Trust, v.root)
		if err != nil {
			return "", err
		}
		v.serial, v.trust, v.why = d.TrustSerial, trust, map[content.Ref]string{}
	}
	ref := spec.Head.Ref()
	why, known := v.why[ref]
	if !known {
		if len(v.why) >= maxCached {
			clear(v.why)
		}
		why = v.trust.Distrusts(spec.Envelope)
		v.why[ref] = why
	}
	return why, nil
}

// hold pauses a flow whose head is trusted no more. Endpoints judge for themselves, and
// refuse it; so nothing is fetched for it, and operators see why.
func (s *source) hold(d *site.Desired, spec *site.FlowSpec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	why, err := s.verdicts.of(d, spec)
	if err == nil && why != "" {
		spec.Paused, spec.Distrusted, spec.PausedBy = true, true, wire.Clip(why+" (sitecast resign)")
	}
	return err
}
