package site

import (
	"sync"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Accounts sums up what all sites of a server did to their lines since its start.
// Its zero value is ready for use by several goroutines; a nil one counts nothing.
type Accounts struct {
	counters Counters

	// mu guards the rest.
	mu      sync.Mutex
	receipt wire.Receipt
	halted  uint64
}

func (a *Accounts) add(r wire.Receipt) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.receipt.Add(r)
}

func (a *Accounts) halt() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.halted++
}

// Receipt is the sum of all receipts. Seconds count once for each line.
func (a *Accounts) Receipt() wire.Receipt {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.receipt
	r.Added = append([]uint32(nil), r.Added...)
	return r
}

// Halted is how many flows the guard against fetching too much has halted.
func (a *Accounts) Halted() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.halted
}
