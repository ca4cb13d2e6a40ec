package agent

import (
	"os/exec"
	"strconv"
)

// wholeGroup has a command end with all it started.
func wholeGroup(cmd *exec.Cmd) {
	cmd.Cancel = func() error {
		return exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
	}
}
