package runtime

import (
	"context"

	"github.com/sitecast/sitecast/edge/hook"
	"github.com/sitecast/sitecast/kiosk/activation"
	"github.com/sitecast/sitecast/kiosk/display"
)

// Displayed is what the display tells.
func (k *Kiosk) Displayed(s display.State) { k.displayed(s) }

// Anew is what has the display start its program anew.
func (k *Kiosk) Anew() <-chan struct{} { return k.anew }

// JournalFile keeps a journal at a path.
func JournalFile(path string) Journal { return journalFile{path} }

// AskIt asks what a kiosk's probe asks.
func AskIt(ctx context.Context, p Probing, url string) error {
	return (&Kiosk{Parts: Parts{Config: Config{Probe: p}, URL: url}}).ask(ctx)
}

// Asked asks the hook before.
func Asked(ctx context.Context, cfg Config) activation.HookEnded {
	return (&Kiosk{Parts: Parts{Config: cfg, Hook: hook.Run}}).runHook(ctx, activation.RunHook{Hook: activation.HookBefore}).(activation.HookEnded)
}

// Configure is what a command line means.
func (c Command) Configure() (Config, error) { return c.config() }
