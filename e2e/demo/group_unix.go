//go:build unix

package demo

import "syscall"

// ownGroup keeps the terminal's Ctrl-C from reaching a child directly.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
