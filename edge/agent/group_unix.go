//go:build !windows

package agent

import (
	"os/exec"
	"syscall"
)

// wholeGroup has a command end with all it started.
func wholeGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
