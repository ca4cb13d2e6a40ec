//go:build linux

package rig

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Link is what a person is sent to have a content at the i-th site in a browser, and the
// pin by which the browser knows the server: the digest, in base64, of the key of its private
// authority.
func (r *Rig) Link(ctx context.Context, i int, name string) (url, pin string, err error) {
	enrol, err := r.Sitecast(ctx, "enrol", "--site", SiteName(i))
	if err != nil {
		return "", "", err
	}
	token, err := wire.ParseEnrolToken(string(enrol))
	if err != nil {
		return "", "", err
	}
	digest, derr := hex.DecodeString(token.Pin)
	link, err := r.Sitecast(ctx, "link", name, "--site", SiteName(i))
	return strings.TrimSpace(string(link)), base64.StdEncoding.EncodeToString(digest), errors.Join(err, derr)
}
