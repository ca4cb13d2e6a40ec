package service

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/kardianos/service"
)

var (
	folder = filepath.Join(os.Getenv("ProgramData"), "Sitecast")
	here   = place{data: filepath.Join(folder, "agent"), settings: filepath.Join(folder, "settings"),
		token: filepath.Join(folder, "settings", tokenFile)}
	hidden     []string
	shortLived = []string{os.TempDir()}
	logs       = filepath.Join(here.data, logName)
)

const (
	hint = "are flags of `sitecast agent install`, after --"
	// localService is the user that services with few rights have, and its SID.
	localService    = `NT AUTHORITY\LocalService`
	localServiceSID = "*S-1-5-19"
)

// configured is what the service is made of.
func configured(program string, arguments []string) (*service.Config, error) {
	return &service.Config{Name: name, DisplayName: "Sitecast agent", Description: "Content for this site, shared by its endpoints.",
		Executable: program, Arguments: arguments, UserName: localService,
		Option: service.KeyValue{"DelayedAutoStart": true, "OnFailure": "restart", "OnFailureDelayDuration": "5s"}}, nil
}

// prepare makes the folders and gives them to the service's user and administrators alone.
func prepare(string) error {
	for _, dir := range []string{here.data, here.settings} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make a folder of the service: %w", err)
		}
		out, err := exec.Command("icacls", dir, "/inheritance:r", "/grant:r", localServiceSID+":(OI)(CI)F",
			"*S-1-5-32-544:(OI)(CI)F", "*S-1-5-18:(OI)(CI)F").CombinedOutput()
		if err != nil {
			return fmt.Errorf("keep others out of %s: %w: %s", dir, err, out)
		}
	}
	return nil
}
