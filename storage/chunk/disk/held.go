package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

func folderOf(id content.VersionID) string { return path.Join(storeName, id.String()) }

func placeOf(ref content.Ref) string { return path.Join(contentName, ref.Name, ref.Version) }

// stored lists the versions that have a folder.
func (s *Store) stored() ([]content.VersionID, error) {
	entries, err := fs.ReadDir(s.root.FS(), storeName)
	if err != nil {
		return nil, fmt.Errorf("list stored versions: %w", err)
	}
	var ids []content.VersionID
	for _, e := range entries {
		var id content.VersionID
		if id.UnmarshalText([]byte(e.Name())) == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Held implements [chunk.Store]. A version whose head or body is damaged is not
// listed; Open mends it.
func (s *Store) Held() []chunk.Held {
	ids, err := s.stored()
	if err != nil {
		s.log.Error("cannot tell what is held", "err", err)
	}
	var held []chunk.Held
	for _, id := range ids {
		h, err := s.inspect(id)
		if err != nil {
			s.log.Warn("stored version is damaged", "version", id, "err", err)
			continue
		}
		held = append(held, h)
	}
	return held
}

// inspect reads what lies in the folder of a version.
func (s *Store) inspect(id content.VersionID) (chunk.Held, error) {
	root, err := s.root.OpenRoot(folderOf(id))
	if err != nil {
		return chunk.Held{}, err
	}
	defer root.Close() // it is only read from
	secret, err := s.secretOf(root, id)
	if err != nil {
		return chunk.Held{}, err
	}
	head, envelope, err := secret.readHead(root, id)
	if err != nil {
		return chunk.Held{}, err
	}
	body, err := secret.readWhole(root, bodyName, head.BodyBytes)
	if err != nil {
		return chunk.Held{}, err
	}
	if got := content.Sum(body); got != head.Body {
		return chunk.Held{}, fmt.Errorf("body is %s, want %s", got, head.Body)
	}
	held := chunk.Held{ID: id, Envelope: envelope, Body: body}
	if _, placed, err := s.treeOf(id, head.Ref()); err == nil && placed {
		st, _, _, err := readJournalFile(root, id, head.Chunks)
		held.Complete = err == nil && st.have.Count() == head.Chunks
	}
	return held, nil
}

// readHead reads the head in the folder of a version.
func (k *secret) readHead(root *os.Root, id content.VersionID) (content.Head, []byte, error) {
	envelope, err := k.readWhole(root, headName, maxEnvelopeBytes)
	if err != nil {
		return content.Head{}, nil, err
	}
	head, got, err := content.ReadHead(envelope)
	if err == nil && got != id {
		err = fmt.Errorf("head is that of %s", got)
	}
	return head, envelope, err
}

// headIn reads the head in a folder of the store, which is that of a version or was.
func (s *Store) headIn(folder string, id content.VersionID) (content.Head, error) {
	root, err := s.root.OpenRoot(folder)
	if err != nil {
		return content.Head{}, err
	}
	defer root.Close() // it is only read from
	secret, err := s.secretOf(root, id)
	if err != nil {
		return content.Head{}, err
	}
	head, _, err := secret.readHead(root, id)
	return head, err
}

func readJournalFile(root *os.Root, id content.VersionID, chunks uint32) (s state, generation uint64, clean bool, err error) {
	data, err := readFile(root, journalName, 4*compactBytes)
	if err != nil {
		return state{}, 0, false, err
	}
	s, generation, end, err := readJournal(data, id, chunks)
	return s, generation, end == len(data), err
}

// treeOf returns the folder that holds the tree of a version, and whether that is
// its place, where a complete one lies. fs.ErrNotExist says that somebody has
// deleted it.
func (s *Store) treeOf(id content.VersionID, ref content.Ref) (folder string, placed bool, err error) {
	tree := path.Join(folderOf(id), treeName)
	if _, err := s.root.Stat(tree); !errors.Is(err, fs.ErrNotExist) {
		return tree, false, err
	}
	place := s.placeOf(ref)
	_, err = s.root.Stat(place)
	return place, true, err
}

// otherAt says which other version lies at the place of ref, if one does.
func (s *Store) otherAt(ref content.Ref, own content.VersionID) (id content.VersionID, found bool, err error) {
	ids, err := s.stored()
	if err != nil {
		return content.VersionID{}, false, err
	}
	for _, id := range ids {
		if id == own {
			continue
		}
		head, err := s.headIn(folderOf(id), id)
		if err != nil || head.Ref() != ref {
			continue // without its head it has no place
		}
		if _, placed, err := s.treeOf(id, ref); err == nil && placed {
			return id, true, nil
		}
	}
	return content.VersionID{}, false, nil
}
