//go:build !windows

package service

import "context"

// Attend runs the agent. Elsewhere than on Windows a service is a program like any other.
func Attend(ctx context.Context, _ string, run func(context.Context) error) error { return run(ctx) }
