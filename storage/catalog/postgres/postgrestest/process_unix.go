//go:build unix

package postgrestest

import "syscall"

// processOf is how a process is started by a user: by root it is given to nobody.
func processOf(uid int) *syscall.SysProcAttr {
	if uid != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
