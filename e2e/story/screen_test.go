//go:build linux

package story

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image/color"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/browser"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/e2e/screen"
)

var keep = flag.String("keep", "", "keep pictures of the kiosk's screen in this folder")

// onScreen is what somebody sees who stands before a kiosk.
type onScreen struct {
	*screen.Screen
	s     *stage
	shots int
}

// switchOn switches a screen on, for programs that are started from now on.
func (s *stage) switchOn() *onScreen {
	s.t.Helper()
	for _, name := range []string{screen.Program, browser.Program} {
		if _, err := exec.LookPath(name); err != nil {
			s.t.Skipf("no %s here: .ci/install installs it", name)
		}
	}
	x, err := screen.Start(s.t.TempDir(), 1024, 768)
	s.must(err)
	s.t.Cleanup(func() { s.must(x.Close()) })
	s.t.Setenv("DISPLAY", x.Display())
	return &onScreen{Screen: x, s: s}
}

// until waits for the screen to be of a colour, and keeps the picture.
func (o *onScreen) until(what string, want color.RGBA) {
	o.s.t.Helper()
	began := time.Now()
	ctx, stop := context.WithTimeout(o.s.ctx, time.Minute)
	defer stop()
	err := o.Until(ctx, want)
	o.shots++
	if *keep != "" {
		err = errors.Join(err, o.Keep(filepath.Join(*keep, fmt.Sprintf("kiosk-%d-%s.png", o.shots, strings.ReplaceAll(what, " ", "-")))))
	}
	if err != nil {
		o.s.t.Fatalf("%s: %v", what, err)
	}
	o.s.t.Logf("%s: after %v", what, time.Since(began).Round(10*time.Millisecond))
}

// page publishes a page of one colour as a version of the menu, and orders it.
func (s *stage) page(version string, c color.RGBA) {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), "menu")
	s.must(screen.Page(dir, "Menu "+version, c))
	s.must(s.Publish(s.ctx, dir, "menu", version))
	s.sitecast("distribute", "menu@"+version, "--all")
}

// Whoever stands before it sees the first version, the next one when it came, and that
// one again after all power was gone, with no server and no line.
func TestAKioskShowsItsVersionWhateverBreaks(t *testing.T) {
	long(t)
	red, green := color.RGBA{200, 30, 40, 255}, color.RGBA{20, 140, 70, 255}
	s := open(t, oneSite(1, 20), mib)
	x := s.switchOn()
	kiosk, err := s.StartKiosk(s.ctx, 0, 0, "menu", "--probe", "http:/", "--probe-time", "1s",
		"--display", "chromium --no-sandbox --window-position=0,0 --window-size=1025,769")
	s.must(err)
	x.until("being prepared", screen.Preparing)
	s.page("1", red)
	x.until("version 1", red)
	s.page("2", green)
	x.until("version 2", green)

	s.must(s.KillServer(s.ctx))
	s.must(s.lab.Sites[0].CutWAN())
	all, err := screen.Tree(kiosk.PID())
	s.must(err)
	kiosk.Kill()
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended with the kiosk
	}
	x.until("nothing without power", screen.Black)
	s.must(kiosk.Restart())
	x.until("version 2 again without server and line", green)

	all, err = screen.Tree(kiosk.PID())
	s.must(err)
	kiosk.Kill() // alone: what it started ends with it
	x.until("nothing without the kiosk", screen.Black)
	for _, pid := range all {
		s.must(rig.Wait(s.ctx, "nothing to be left behind", func() bool { return !screen.Alive(pid) }))
	}
	s.must(kiosk.Restart())
	x.until("version 2 once more", green)
	s.must(kiosk.Stop())
	x.until("nothing after it stopped", screen.Black)
}
