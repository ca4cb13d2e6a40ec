package server

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/blob/dir"
	"github.com/sitecast/sitecast/storage/blob/s3"
)

// Objects is where the origin's objects are kept.
type Objects interface {
	blob.Store
	io.Closer
}

// inBucket reports whether packs are to be kept in a bucket, not in a folder.
func inBucket(packs string) bool { return strings.HasPrefix(packs, s3.Scheme+"://") }

// openObjects opens the store, and returns who signs addresses at which it serves others
// itself; nil where it does not.
func openObjects(ctx context.Context, cfg Config) (Objects, blob.Signer, error) {
	if cfg.Objects != nil {
		signer, _ := cfg.Objects.(blob.Signer)
		return cfg.Objects, signer, nil
	}
	if !inBucket(cfg.Packs) {
		s, err := dir.Open(cfg.Packs)
		if err != nil {
			return nil, nil, err // and no interface that holds nothing
		}
		return s, nil, nil
	}
	at, err := s3.ParseLocation(cfg.Packs, cfg.InsecureHTTP)
	if err != nil {
		return nil, nil, err
	}
	s, err := s3.Open(ctx, at, nil)
	if err != nil {
		return nil, nil, err
	}
	if at.Relayed {
		return s, nil, nil
	}
	return s, s, nil
}

// objectURL signs the address of an object for a lease. Ranges of packs and patches come
// from where they are kept, if that can serve them. Bodies are compressed by the server, and
// pages need a sender that paces.
func (s *Server) objectURL(o site.Object, ttl time.Duration) string {
	// A fetch may begin at the end of the lease before it and take all of its own.
	good := 3 * ttl
	if s.signer != nil && o.To > 0 && !o.Page {
		signed, err := s.signer.Sign(o.Digest, o.From, o.To, good)
		if err == nil {
			return signed
		}
		s.log.Error("signing an address; the object goes through the server", "object", o.Digest, "err", err)
	}
	path := "/" + string(o.Kind) + "/" + o.Digest.String()
	if o.Page && o.To > 0 {
		return s.keys.SignRange(path, o.From, o.To, time.Now().Add(good))
	}
	return s.keys.SignURL(path, time.Now().Add(good))
}
