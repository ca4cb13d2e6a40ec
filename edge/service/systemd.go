package service

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
)

// systemdPlace is where things are with systemd: it makes the folder for the service's
// own user, and hands the token over without leaving it where another may read it.
var systemdPlace = place{data: "/var/lib/" + name, settings: "/etc/" + name, token: "%d/enrol-token"}

// unitText is the unit. The user exists while the service runs; of files it can write its
// own folder only, and it has no capabilities. What it does can wait: processor and disks
// serve it when nobody else wants them.
var unitText = template.Must(template.New("unit").Parse(`[Unit]
Description=Sitecast agent: content for this site, shared by its endpoints
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
ExecStart={{.Command}}
EnvironmentFile=-{{.Settings}}/agent.env
LoadCredential=enrol-token:{{.Settings}}/` + tokenFile + `
Restart=always
RestartSec=5

DynamicUser=yes
StateDirectory=` + name + `
StateDirectoryMode=0700
UMask=0077

CPUSchedulingPolicy=idle
CPUWeight=idle
IOSchedulingClass=idle
IOWeight=1
OOMScoreAdjust=500

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`))

// unit writes the unit that runs a program.
func unit(program string, arguments []string) (string, error) {
	if !filepath.IsAbs(program) {
		return "", fmt.Errorf("the program's path %q is not absolute", program)
	}
	words := []string{quoted(program)}
	for _, arg := range arguments {
		if strings.ContainsAny(arg, "\n\r\x00") {
			return "", errors.New("a flag holds a line break")
		}
		if arg != systemdPlace.token { // its %d is systemd's
			arg = quoted(arg)
		}
		words = append(words, arg)
	}
	var out strings.Builder
	err := unitText.Execute(&out, map[string]string{"Command": strings.Join(words, " "), "Settings": systemdPlace.settings})
	return out.String(), err
}

// quoted writes a word as systemd reads it back: nothing in it means anything.
func quoted(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$").Replace(word) + `"`
}
