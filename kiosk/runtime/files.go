package runtime

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
	_ "time/tzdata" // for computers without a database of time zones

	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/storage/durable"
)

// journalFile keeps the journal in one file, which is replaced as a whole.
type journalFile struct{ path string }

func journalPath(cfg Config) string {
	return filepath.Join(cfg.Agent.Data, "kiosk-"+cfg.App+".json")
}

// Load implements [Journal].
func (f journalFile) Load(app string) (activation.Journal, error) {
	text, err := durable.ReadFile(f.path, activation.MaxJournalBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return activation.NewJournal(app), nil
	}
	if err != nil {
		return activation.Journal{}, err
	}
	return activation.ParseJournal(text, app)
}

// Save implements [Journal].
func (f journalFile) Save(j activation.Journal) error {
	text, err := j.Encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	return durable.WriteFile(f.path, text, 0o600)
}

// zone is the site's time zone, as it was loaded last.
type zone struct {
	name string
	is   *time.Location
}

// load returns a time zone by its name; nil, which is that of this computer, where there
// is none.
func (z *zone) load(name string, log *slog.Logger) *time.Location {
	if name == z.name {
		return z.is
	}
	is, err := time.LoadLocation(name)
	if err != nil {
		log.Warn("the site's time zone is not known here; this computer's is used", "zone", name, "err", err)
		is = nil
	}
	z.name, z.is = name, is
	return is
}
