//go:build !unix

package display

import "os/exec"

func own(*exec.Cmd) {}

func interrupt(*exec.Cmd) {}

// kill ends a command with all that it started, and Chromium, with which its helpers end.
func kill(cmd *exec.Cmd) {
	end := cmd.Process.Kill
	if cmd.Cancel != nil { // as the shell's command has it
		end = cmd.Cancel
	}
	_ = end() // it may have ended
}
