package disk

import (
	"errors"
	"fmt"
)

// Close implements [chunk.Version].
func (v *version) Close() error {
	s := v.store
	s.admin.Lock()
	defer s.admin.Unlock()
	s.mu.Lock()
	open := s.versions[v.id] == v
	if open {
		delete(s.versions, v.id)
	}
	s.mu.Unlock()
	if !open {
		return nil // closed before, or with the store, or removed
	}
	if err := errors.Join(v.Commit(), v.release()); err != nil {
		return fmt.Errorf("close %s: %w", v.head.Ref(), err)
	}
	return nil
}
