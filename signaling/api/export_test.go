package api

import "time"

// NewAttempts counts attempts to log in.
func NewAttempts() func(addr, account string, now time.Time) bool { return new(attempts).allow }
