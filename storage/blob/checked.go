package blob

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"

	"github.com/sitecast/sitecast/storage/content"
)

// Checked returns the size bytes of r if they are the object of that digest. Otherwise
// reading ends with a *MismatchError before the last of them has been handed out, so that
// who copies them never has all of a wrong object. It ends with ctx, too.
func Checked(ctx context.Context, digest content.Digest, size int64, r io.Reader) io.Reader {
	return &checked{ctx: ctx, r: r, want: digest, size: size, hash: sha256.New()}
}

type checked struct {
	ctx  context.Context
	r    io.Reader
	want content.Digest
	size int64
	hash hash.Hash
	n    int64
	err  error // how it ended
}

func (c *checked) Read(b []byte) (int, error) {
	if c.err == nil {
		c.err = c.ctx.Err()
	}
	if c.err != nil {
		return 0, c.err
	}
	if c.n >= c.size {
		c.err = c.end()
		return 0, c.err
	}
	n, err := c.r.Read(b[:min(int64(len(b)), c.size-c.n)])
	_, _ = c.hash.Write(b[:n]) // it never fails
	c.n += int64(n)
	switch {
	case c.n == c.size:
		if c.err = c.end(); c.err != io.EOF {
			return 0, c.err
		}
		return n, nil
	case err == io.EOF:
		c.err = c.mismatch()
		return 0, c.err
	}
	c.err = err
	return n, err
}

// end checks what was read once it is as long as the object: io.EOF if it is the object.
func (c *checked) end() error {
	var more [1]byte // tells what is too long
	n, err := io.ReadFull(c.r, more[:])
	_, _ = c.hash.Write(more[:n])
	c.n += int64(n)
	if err != nil && err != io.EOF {
		return err
	}
	if c.n != c.size || content.Digest(c.hash.Sum(nil)) != c.want {
		return c.mismatch()
	}
	return io.EOF
}

func (c *checked) mismatch() error {
	return &MismatchError{Want: c.want, WantBytes: c.size, Got: content.Digest(c.hash.Sum(nil)), GotBytes: c.n}
}
