//go:build !linux && !windows

package host

// IdleIO does nothing: what macOS has (setiopolicy_np) is in its C library only.
func IdleIO() error { return nil }
