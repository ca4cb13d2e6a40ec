package disk

import (
	"errors"
	"fmt"
	"os"

	"github.com/sitecast/sitecast/storage/content"
)

// compactBytes is the length at which a journal is written anew.
const compactBytes = 4 << 20

// journal appends to the journal of one version. It remembers where the last
// record ends, so that one that failed half-way is written over by the next.
type journal struct {
	sys        *system
	root       *os.Root // the version's folder
	file       *os.File // nil until begin
	generation uint64
	end        int64
	unnamed    bool // its name is not durable: after a power cut, an older one has it
}

// begin replaces the journal by one that says s and nothing else, or has no effect
// but where its name can't be made durable, which append tries again.
func (j *journal) begin(v *version, s state) (err error) {
	generation := j.generation + 1
	data := appendHeader(nil, v.id, generation, v.chunks())
	data = appendRecord(data, generation, changes(content.NewBitmap(v.chunks()), s, v.chunks()))
	if err := j.sys.writeNew(j.root, journalName+newSuffix, data); err != nil {
		return fmt.Errorf("begin journal: %w", err)
	}
	// Opened before it has its name: once it has, nothing may go to the old one.
	file, err := j.root.OpenFile(journalName+newSuffix, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("begin journal: %w", err)
	}
	if err := j.sys.rename(j.root, journalName+newSuffix, journalName); err != nil {
		return errors.Join(fmt.Errorf("begin journal: %w", err), file.Close())
	}
	err = j.close() // of the old one, that nobody will read any more
	j.file, j.generation, j.end, j.unnamed = file, generation, int64(len(data)), true
	return errors.Join(err, j.name())
}

// name makes the name of the journal durable.
func (j *journal) name() error {
	if !j.unnamed {
		return nil
	}
	if err := j.sys.syncDir(j.root, "."); err != nil {
		return fmt.Errorf("name journal: %w", err)
	}
	j.unnamed = false
	return nil
}

// resume goes on with a journal that is whole.
func (j *journal) resume() error {
	file, err := j.root.OpenFile(journalName, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("resume journal: %w", err)
	}
	j.file = file
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("resume journal: %w", err)
	}
	j.end = info.Size()
	return nil
}

// append makes r durable, or has no effect.
func (j *journal) append(r record) error {
	if err := j.name(); err != nil {
		return err
	}
	data := appendRecord(nil, j.generation, r)
	err := j.sys.writeAt(j.file, data, j.end)
	if err == nil {
		err = j.sys.sync(j.file)
	}
	if err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	j.end += int64(len(data))
	return nil
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	file := j.file
	j.file = nil
	return file.Close()
}

// readFile reads a file of at most limit bytes.
func readFile(root *os.Root, name string, limit int64) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, errors.New(name + " is too long")
	}
	return root.ReadFile(name)
}
