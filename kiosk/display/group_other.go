//go:build !unix

package display

import "os/exec"

func own(*exec.Cmd) {}

func interrupt(*exec.Cmd) {}

// kill ends the program; what Chromium started ends with it.
func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // it may have ended
