package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// troubled is a store on a disk that is full, slow or read-only. Write comes before a
// chunk of a content is written and seed, which may be nil, before other versions are
// looked through; what they return is what the disk says.
type troubled struct {
	chunk.Store
	write func(name string, bytes int) error
	seed  func() error
}

func (d troubled) Open(ctx context.Context, head content.Head, envelope json.RawMessage, body *content.Body) (chunk.Version, error) {
	v, err := d.Store.Open(ctx, head, envelope, body)
	return troubledVersion{v, d, head.Name}, err
}

type troubledVersion struct {
	chunk.Version
	disk troubled
	name string
}

func (v troubledVersion) Put(i uint32, data []byte, from chunk.Source, wan int64) (bool, error) {
	if err := v.disk.write(v.name, len(data)); err != nil {
		return false, fmt.Errorf("write chunk %d: %w", i, err)
	}
	return v.Version.Put(i, data, from, wan)
}

func (v troubledVersion) Seed(ctx context.Context, took func(uint32)) error {
	if v.disk.seed != nil {
		if err := v.disk.seed(); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	return v.Version.Seed(ctx, took)
}

// standOn is a stand whose store has something before it; the body of its flow is there.
func standOn(t *testing.T, wrap func(chunk.Store) chunk.Store) *stand {
	t.Helper()
	s := newStand(t)
	s.stop()
	s.wrap = wrap
	s.run()
	s.want(s.flow)
	s.leaseBody()
	return s
}
