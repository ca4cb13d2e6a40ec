//go:build !linux && !windows

package service

import (
	"os"

	"github.com/kardianos/service"
)

var (
	here = place{data: "/Library/Application Support/Sitecast/agent", settings: "/Library/Application Support/Sitecast/settings",
		token: "/Library/Application Support/Sitecast/settings/" + tokenFile}
	hidden     []string
	shortLived = []string{"/Users", "/tmp", os.TempDir()}
)

const (
	hint = "are flags of `sitecast agent install`, after --"
	logs = "/var/log/" + name + ".err.log"
)

// configured is what the daemon is made of.
func configured(program string, arguments []string) (*service.Config, error) {
	return &service.Config{Name: name, DisplayName: "Sitecast agent", Executable: program, Arguments: arguments,
		Option: service.KeyValue{"RunAtLoad": true, "KeepAlive": true, "LogOutput": true}}, nil
}

// prepare has nothing to do: the agent makes its folder.
func prepare(string) error { return nil }
