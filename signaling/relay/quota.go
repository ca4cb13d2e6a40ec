package relay

import (
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Quota bounds what somebody may take of a relay. 0 is no bound.
type Quota struct {
	Allocations    int   // open at once
	BytesPerSecond int64 // relayed
	BytesPerDay    int64 // relayed, from midnight to midnight UTC
}

// burstTime is how much of a rate may go at once.
const burstTime = 500 * time.Millisecond

// minBurst lets a few of the largest packets go together, however slow the rate.
const minBurst = 16 << 10

// accounts are what endpoints and their sites took.
type accounts struct {
	endpoint, site Quota

	// mu guards the rest.
	mu sync.Mutex
	by map[string]*account // by endpoint, and by "/" and site
}

type account struct {
	quota       Quota
	allocations int
	limit       *rate.Limiter // nil without one
	day         int64         // since 1970
	spent       int64         // on that day
}

func newAccounts(endpoint, site Quota) *accounts {
	return &accounts{endpoint: endpoint, site: site, by: map[string]*account{}}
}

// of returns the accounts of a user, "endpoint/site" or "endpoint". mu is held.
func (a *accounts) of(user string) []*account {
	endpoint, site, _ := strings.Cut(user, "/")
	list := []*account{a.get(endpoint, a.endpoint)}
	if site != "" {
		list = append(list, a.get("/"+site, a.site))
	}
	return list
}

func (a *accounts) get(key string, q Quota) *account {
	if found := a.by[key]; found != nil {
		return found
	}
	made := &account{quota: q}
	if q.BytesPerSecond > 0 {
		burst := max(int(float64(q.BytesPerSecond)*burstTime.Seconds()), minBurst)
		made.limit = rate.NewLimiter(rate.Limit(q.BytesPerSecond), burst)
	}
	a.by[key] = made
	return made
}

// today begins a new day, if it is one.
func (a *account) today(now time.Time) {
	if day := now.Unix() / int64(24*time.Hour/time.Second); day != a.day {
		a.day, a.spent = day, 0
	}
}

// mayAllocate reports whether a user may open one more allocation.
func (a *accounts) mayAllocate(user string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, acc := range a.of(user) {
		acc.today(now)
		q := acc.quota
		if q.Allocations > 0 && acc.allocations >= q.Allocations || q.BytesPerDay > 0 && acc.spent >= q.BytesPerDay {
			return false
		}
	}
	return true
}

// count notes that an allocation was opened or ended. Accounts of nobody that took
// nothing today are forgotten.
func (a *accounts) count(user string, by int, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, acc := range a.of(user) {
		acc.allocations += by
	}
	if by > 0 {
		return
	}
	for key, acc := range a.by {
		if acc.today(now); acc.allocations <= 0 && acc.spent == 0 {
			delete(a.by, key)
		}
	}
}

// payers are the accounts of a user who holds an allocation: as long as it stands they
// are not forgotten.
func (a *accounts) payers(user string) []*account {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.of(user)
}

// charge reports whether payers may have n more bytes relayed now, and counts them.
func (a *accounts) charge(list []*account, n int, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, acc := range list {
		acc.today(now)
		if q := acc.quota.BytesPerDay; q > 0 && acc.spent+int64(n) > q {
			return false
		}
	}
	for _, acc := range list {
		if acc.limit != nil && !acc.limit.AllowN(now, n) {
			return false
		}
	}
	for _, acc := range list {
		acc.spent += int64(n)
	}
	return true
}

// open is how many allocations there are.
func (a *accounts) open() (n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, acc := range a.by {
		if !strings.HasPrefix(key, "/") {
			n += int64(acc.allocations)
		}
	}
	return n
}
