package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/pack"
	"github.com/sitecast/sitecast/storage/patch"
)

// FetchParts fetches the lease's range and calls each with every part and its
// plain bytes, in order. plainLen says how long a chunk is when decoded. The
// bytes are valid only during the call. An error of each ends the fetch; it may
// take its time. When ctx ends, what has come already is still handed on.
func (c *Client) FetchParts(ctx context.Context, lease wire.Lease, plainLen func(chunk uint32) uint32,
	each func(part wire.Part, plain []byte) error) error {
	return c.fetch(ctx, lease, func(p wire.Part, encoded, dst []byte) ([]byte, error) {
		return pack.Decode(pack.Encoding(p.Encoding), encoded, plainLen(p.Chunk), dst)
	}, each)
}

// FetchPatches does what FetchParts does where parts may be patches: dictionary returns
// what a chunk is made of. Where that can't be, or the origin has no such patches, the
// error is a [patch.ErrUnusable].
func (c *Client) FetchPatches(ctx context.Context, lease wire.Lease, plainLen func(chunk uint32) uint32,
	dictionary func(chunk uint32) ([]byte, error), each func(part wire.Part, plain []byte) error) error {
	err := c.fetch(ctx, lease, func(p wire.Part, encoded, dst []byte) (plain []byte, err error) {
		if pack.Encoding(p.Encoding) != pack.Patch {
			plain, err = pack.Decode(pack.Encoding(p.Encoding), encoded, plainLen(p.Chunk), dst)
		} else {
			var of []byte
			if of, err = dictionary(p.Chunk); err == nil {
				plain, err = pack.DecodePatch(encoded, of, plainLen(p.Chunk), dst)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", patch.ErrUnusable, err)
		}
		return plain, nil
	}, each)
	refused := new(StatusError)
	if errors.As(err, &refused) && refused.Status != http.StatusForbidden && refused.Status < http.StatusInternalServerError {
		return fmt.Errorf("%w: %w", patch.ErrUnusable, err)
	}
	return err
}

// fetch hands on the parts of a lease's range, decoded.
func (c *Client) fetch(ctx context.Context, lease wire.Lease, decode func(p wire.Part, encoded, dst []byte) ([]byte, error),
	each func(part wire.Part, plain []byte) error) error {
	return c.get(ctx, lease, func(body *shapedReader, _ http.Header) error {
		var encoded, plain []byte
		for _, part := range lease.Parts {
			if _, err := io.CopyN(io.Discard, body, int64(part.Skip)); err != nil {
				return fmt.Errorf("read up to chunk %d: %w", part.Chunk, errors.Join(err, io.ErrUnexpectedEOF))
			}
			encoded = grow(encoded, int(part.Length))
			if _, err := io.ReadFull(body, encoded); err != nil {
				return fmt.Errorf("read chunk %d: %w", part.Chunk, err)
			}
			var err error
			if plain, err = decode(part, encoded, plain[:0]); err != nil {
				c.refused.Add(wire.DoorOrigin, wire.CodeBadChunk)
				return fmt.Errorf("decode chunk %d: %w", part.Chunk, err)
			}
			if err := body.handOver(func() error { return each(part, plain) }); err != nil {
				return err
			}
		}
		return nil
	})
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
