//go:build !unix

package postgrestest

import "syscall"

func processOf(int) *syscall.SysProcAttr { return nil }
