package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sitecast/sitecast/storage/pack"
)

// packer writes chunks into packs of at most limit bytes.
type packer struct {
	dir   string
	limit int64
	done  []Pack

	// The pack being written; nil where none is.
	file   *os.File
	writer *pack.Writer
}

// add appends a chunk to the current pack, or to a new one where it does not fit.
func (p *packer) add(c *chunk) error {
	if p.writer != nil && p.writer.SizeWith(len(c.encoded)) > p.limit {
		if err := p.finish(); err != nil {
			return err
		}
	}
	if p.writer == nil {
		if err := p.begin(); err != nil {
			return err
		}
	}
	return p.writer.Append(c.digest, c.encoding, c.encoded, uint32(len(c.plain)))
}

func (p *packer) begin() (err error) {
	if p.file, err = os.CreateTemp(p.dir, "pack-*"); err != nil {
		return fmt.Errorf("begin pack: %w", err)
	}
	p.writer, err = pack.NewWriter(p.file)
	return err
}

// finish ends the current pack, if there is one, and gives it its name.
func (p *packer) finish() error {
	if p.writer == nil {
		return nil
	}
	digest, entries, err := p.writer.Finish()
	if err := errors.Join(err, p.file.Close()); err != nil {
		return err
	}
	path := filepath.Join(p.dir, digest.String())
	if err := os.Rename(p.file.Name(), path); err != nil {
		return fmt.Errorf("finish pack: %w", err)
	}
	p.done = append(p.done, Pack{Digest: digest, Path: path, Size: p.writer.Size(), Entries: entries})
	p.file, p.writer = nil, nil
	return nil
}

// discard removes everything written.
func (p *packer) discard() error {
	var errs []error
	if p.file != nil {
		p.file.Close() // an error on closing, or closed already: the file goes anyway
		errs = append(errs, os.Remove(p.file.Name()))
	}
	for _, done := range p.done {
		errs = append(errs, os.Remove(done.Path))
	}
	return errors.Join(errs...)
}
