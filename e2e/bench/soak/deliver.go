//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
)

// A version is a file of so many blocks of random bytes, of which some are new and
// the others are those of the version before.
const (
	content   = "soak"
	blocks    = 12
	blockSize = 256 << 10
	fresh     = 4
)

// deliver orders a version after the other. A newer one supersedes the older.
func (s *soak) deliver(ctx context.Context, rng *rand.Rand) error {
	var seeds [blocks]uint64
	for i := range seeds {
		seeds[i] = rng.Uint64()
	}
	for !s.over() {
		next := time.Now().Add(every)
		name := fmt.Sprint(s.versions + 1)
		sum, err := s.order(ctx, name, seeds)
		if err != nil {
			return err
		}
		if err := s.arrived(ctx, name, sum); err != nil {
			return err
		}
		s.versions++
		for _, i := range rng.Perm(blocks)[:fresh] {
			seeds[i] = rng.Uint64()
		}
		if err := rig.Pause(ctx, time.Until(next)); err != nil {
			return err
		}
	}
	return nil
}

// order publishes a version and orders it.
func (s *soak) order(ctx context.Context, name string, seeds [blocks]uint64) (sum [sha256.Size]byte, err error) {
	s.server.Lock()
	defer s.server.Unlock()
	path := filepath.Join(s.dir, content)
	f, err := os.Create(path)
	if err != nil {
		return sum, err
	}
	for _, seed := range seeds {
		_, werr := io.CopyN(f, rand.NewChaCha8(sha256.Sum256([]byte(fmt.Sprint(seed)))), blockSize)
		err = errors.Join(err, werr)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return sum, err
	}
	if sum, err = rig.Sum(path); err != nil {
		return sum, err
	}
	if err := s.Publish(ctx, path, content, name); err != nil {
		return sum, err
	}
	_, err = s.Sitecast(ctx, "distribute", content+"@"+name, "--all")
	return sum, err
}

// arrived waits until every endpoint has a version, and checks it.
func (s *soak) arrived(ctx context.Context, name string, sum [sha256.Size]byte) error {
	ordered := time.Now()
	for _, a := range s.Agents[0] {
		path := filepath.Join(a.Placed(content, name), content)
		for {
			if _, err := os.Stat(path); err == nil {
				break
			}
			if time.Since(ordered) > patience {
				return fmt.Errorf("%s does not have version %s after %v", a.Name, name, patience)
			}
			if err := rig.Pause(ctx, step); err != nil {
				return err
			}
		}
		got, err := rig.Sum(path)
		if err != nil {
			return err
		}
		if got != sum {
			return fmt.Errorf("%s is not what was published", path)
		}
	}
	s.did("version %s is everywhere after %.1f s", name, time.Since(ordered).Seconds())
	return nil
}
