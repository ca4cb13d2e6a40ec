package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/durable"
)

// cacheName is the file in the data folder that says when versions came and were
// needed last.
const cacheName = "cache.json"

// CacheFlags are the settings of the store. What is not given is as
// [cache.DefaultPolicy] has it.
type CacheFlags struct {
	Quota   *cache.Amount  `help:"Most of the disk that the store may take: 20GB, 10%, the smaller of both as 20GB,10%, or none (the default)." env:"SITECAST_CACHE_QUOTA" placeholder:"AMOUNT"`
	Floor   *cache.Amount  `help:"What stays free on the disk; below it versions that nothing needs are evicted (default: 1GB,5%)." env:"SITECAST_CACHE_FLOOR" placeholder:"AMOUNT"`
	Idle    *time.Duration `help:"How long a version stays that nothing needed; 0 for ever (default: 720h)." env:"SITECAST_CACHE_IDLE" placeholder:"TIME"`
	Age     *time.Duration `help:"How long a version stays after it came, if nothing needs it; 0 for ever (the default)." env:"SITECAST_CACHE_AGE" placeholder:"TIME"`
	Keep    *int           `help:"Complete versions of each content that are kept to go back to, besides the one wanted (default: 1)." env:"SITECAST_CACHE_KEEP" placeholder:"N"`
	Largest *cache.Amount  `help:"Largest version that is admitted; none for any that fits (the default)." env:"SITECAST_CACHE_LARGEST" placeholder:"AMOUNT"`
}

// policy fills in what is not given.
func (f CacheFlags) policy(device string) (cache.Policy, error) {
	p := cache.DefaultPolicy(device)
	given(&p.Quota, f.Quota)
	given(&p.Floor, f.Floor)
	given(&p.Idle, f.Idle)
	given(&p.Age, f.Age)
	given(&p.Keep, f.Keep)
	given(&p.Largest, f.Largest)
	return p, p.Check()
}

func given[T any](setting, flag *T) {
	if flag != nil {
		*setting = *flag
	}
}

// newCache joins the cache to the store and its file.
func newCache(cfg Config, store *disk.Store) *engine.Cache {
	path := filepath.Join(cfg.Data, cacheName)
	return &engine.Cache{Disk: store, Policy: cfg.Cache, Memory: readMemory(path, cfg.Log), Save: func(m cache.Memory) error {
		text, err := m.Encode()
		if err != nil {
			return err
		}
		return durable.WriteFile(path, text, 0o600)
	}}
}

// readMemory reads what an earlier process kept. Without it every version came now,
// so that one damaged file evicts nothing.
func readMemory(path string, log *slog.Logger) cache.Memory {
	m, err := parseMemory(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("when content was needed last is not known; it counts as needed now", "err", err)
	}
	return m
}

func parseMemory(path string) (cache.Memory, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > cache.MaxMemoryBytes {
		return nil, fmt.Errorf("%s has %d bytes, limit %d", path, info.Size(), cache.MaxMemoryBytes)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return cache.ParseMemory(text)
}
