//go:build !linux

package host

import "context"

type service struct{}

var networkManager, logind service

// bus is not here: what programs of a desktop tell over D-Bus is not known.
type bus struct{ address string }

func (*bus) get(context.Context, service, string) any { return nil }
func (*bus) close()                                   {}
