//go:build unix

package devtools_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/kiosk/devtools"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// browser stands for one: it says what a script of the shell says on the pipe.
func browser(t *testing.T, script string, heard func(devtools.Event)) *devtools.Pipe {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	p, err := devtools.Start(cmd, heard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Close()
		_ = cmd.Wait() // how it ended does not matter
		<-p.Done()
	})
	return p
}

func TestAnswersComeToWhoAsked(t *testing.T) {
	events := make(chan devtools.Event, 1)
	p := browser(t, `head -c 1 <&3 >/dev/null; printf '{"method":"Page.loaded","sessionId":"s","params":{"a":1}}\0no json\0{"id":7}\0{"id":1,"result":{"product":"till"}}\0{"id":2,"error":{"message":"no such thing"}}\0' >&4; cat <&3 >/dev/null`,
		func(e devtools.Event) { events <- e })
	var got struct{ Product string }
	if err := p.Call(t.Context(), "", "Browser.getVersion", nil, &got); err != nil || got.Product != "till" {
		t.Errorf("%+v, %v", got, err)
	}
	if e := <-events; e.Method != "Page.loaded" || e.Session != "s" || string(e.Params) != `{"a":1}` {
		t.Errorf("event %+v", e)
	}
}

func TestMistakesAndEndsAreTold(t *testing.T) {
	p := browser(t, `head -c 1 <&3 >/dev/null; printf '{"id":1,"error":{"message":"no such thing"}}\0' >&4; exec 4>&-; cat <&3 >/dev/null`, nil)
	if err := p.Call(t.Context(), "page", "Page.none", nil, nil); err == nil || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("a mistake was told as %v", err)
	}
	if err := p.Call(t.Context(), "", "Page.none", nil, nil); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("the end was told as %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	silent := browser(t, `cat <&3 >/dev/null`, nil)
	if err := silent.Call(ctx, "", "Page.none", nil, nil); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("who waits no longer was told %v", err)
	}
}

func TestAProgramThatIsNotThereIsSaid(t *testing.T) {
	if _, err := devtools.Start(exec.Command("/none/such"), nil); err == nil || !strings.Contains(err.Error(), "/none/such") {
		t.Errorf("told as %v", err)
	}
}
