package server

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/catalog"
)

// folder is a data folder with these files, and packs with an id.
func folder(t *testing.T, id string, files ...string) Config {
	t.Helper()
	cfg := Config{Data: t.TempDir()}
	cfg.Packs = filepath.Join(cfg.Data, "packs")
	if err := os.Mkdir(cfg.Packs, 0o700); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{filepath.Join("packs", storeIDFile): id}
	for _, name := range files {
		name, text, _ := strings.Cut(name, "=")
		all[name] = text
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(cfg.Data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}

func TestWhatTwoServersNeedIsCompared(t *testing.T) {
	keys := []string{"root.pub=r", "token.key=t", "url.key=u", "turn.key=n", "ca.pem=c"}
	but := func(name, text string) (all []string) {
		for _, key := range keys {
			if !strings.HasPrefix(key, name+"=") {
				all = append(all, key)
			} else if text != "" {
				all = append(all, name+"="+text)
			}
		}
		return all
	}
	known, err := sharedFiles(folder(t, "store", keys...))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cfg  Config
		want string // part of the error; empty: it may serve
	}{
		"the same":                      {folder(t, "store", keys...), ""},
		"all are missing":               {folder(t, "store"), "ca.pem, root.pub, token.key, turn.key, url.key missing"},
		"one is missing":                {folder(t, "store", but("turn.key", "")...), "turn.key missing"},
		"one is another":                {folder(t, "store", but("token.key", "x")...), "token.key missing, or not that of"},
		"the authority is another":      {folder(t, "store", but("ca.pem", "x")...), "ca.pem"},
		"packs are another folder":      {folder(t, "other", keys...), "--packs"},
		"a certificate of one's own":    {withCertificate(folder(t, "store", but("ca.pem", "")...)), ""},
		"packs in a bucket and not now": {inBucketAt(folder(t, "store", keys...)), "--packs"},
	} {
		mine, err := sharedFiles(c.cfg)
		if err == nil {
			err = known.match(mine, c.cfg)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func withCertificate(cfg Config) Config {
	cfg.TLSCert = "cert.pem"
	return cfg
}

func inBucketAt(cfg Config) Config {
	cfg.Packs = "s3://bucket?endpoint=https://s3.example"
	return cfg
}

// Of a catalog that a release used which noted nothing, nobody makes fresh keys.
func TestAUsedCatalogIsNotTakenOverWithoutKeys(t *testing.T) {
	settings := map[string]string{}
	meta := func(_ context.Context, key string) (string, error) {
		if text, ok := settings[key]; ok {
			return text, nil
		}
		return "", catalog.ErrNotFound
	}
	empty, whole := &standby{cfg: folder(t, "store")}, &standby{cfg: folder(t, "store", "root.pub=r", "token.key=t", "url.key=u", "turn.key=n")}
	for _, s := range []*standby{empty, whole} {
		if err := s.fits(t.Context(), meta); err != nil {
			t.Errorf("a new catalog: %v", err)
		}
	}
	settings[epochKey] = "7"
	if err := empty.fits(t.Context(), meta); err == nil || !strings.Contains(err.Error(), "has no keys") {
		t.Errorf("without keys: %v", err)
	}
	if err := whole.fits(t.Context(), meta); err != nil {
		t.Errorf("with keys: %v", err)
	}
}
