package wire

import "github.com/sitecast/sitecast/storage/content"

// check reports what is wrong with it; the statement's signature is not looked at.
func (a *Activate) check() error {
	if a == nil || a.Statement == nil {
		return nil
	}
	return envelope("statement", a.Statement, content.MaxInstantEnvelopeBytes)
}
