//go:build linux

package main

import "context"

func (b *bench) fairness(ctx context.Context) error { return nil }
func (b *bench) fetchers(ctx context.Context) error { return nil }
