package wire

import "errors"

// Limits bound what an endpoint takes of its line and its disk, as operators set it. Where
// the device itself says something stricter, that counts: nobody can have a device take
// more from afar. 0 stands for no bound. Pages know of none.
type Limits struct {
	// Allowance is how many bytes it may take over the WAN in a calendar month (UTC).
	Allowance int64 `json:"allowance_bytes,omitempty"`
	// CacheQuota is how many bytes of the disk the store may take, and CacheFloor how many
	// stay free.
	CacheQuota int64 `json:"cache_quota_bytes,omitempty"`
	CacheFloor int64 `json:"cache_floor_bytes,omitempty"`
	// CacheIdleMs is how long a version stays that nothing needs.
	CacheIdleMs int64 `json:"cache_idle_ms,omitempty"`
}

func (l Limits) check() error {
	for _, n := range []int64{l.Allowance, l.CacheQuota, l.CacheFloor, l.CacheIdleMs} {
		if n < 0 || n > MaxNumber {
			return errors.New("a limit is out of range")
		}
	}
	return nil
}
