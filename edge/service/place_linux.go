package service

import "github.com/kardianos/service"

var (
	here = systemdPlace
	// hidden is what lies behind the data folder, which is a link to it.
	hidden = []string{"/var/lib/private/" + name}
	// shortLived are folders that the service does not see, or that go with a restart.
	shortLived = []string{"/home", "/root", "/tmp", "/run", "/var/tmp", "/dev/shm"}
)

const (
	hint = "in /etc/" + name + "/agent.env, as SITECAST_PROXY=...; then systemctl restart " + name
	logs = "journalctl -u " + name
)

// configured is what the service is made of.
func configured(program string, arguments []string) (*service.Config, error) {
	text, err := unit(program, arguments)
	if err != nil {
		return nil, err
	}
	return &service.Config{Name: name, Option: service.KeyValue{"SystemdScript": text}}, nil
}

// prepare has nothing to do: systemd makes the folder.
func prepare(string) error { return nil }
