package agent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
)

// checked is a folder of an agent that holds one complete version.
func checked(t *testing.T) (dir string, sample *chunktest.Sample) {
	t.Helper()
	dir, sample = t.TempDir(), chunktest.Typical(t, "v1")
	store := openStore(t, dir)
	sample.Fill(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, sample
}

func openStore(t *testing.T, dir string) *disk.Store {
	t.Helper()
	store, err := disk.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// edit changes the first byte of a delivered file.
func edit(t *testing.T, dir, file string) {
	t.Helper()
	name := filepath.Join(dir, "content", "typical", "v1", file)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[0] ^= 1
	if err := errors.Join(os.Chmod(name, 0o644), os.WriteFile(name, data, 0o644), os.Chmod(name, 0o444)); err != nil {
		t.Fatal(err)
	}
}

func verify(t *testing.T, dir string, asJSON bool) (out, progress string, err error) {
	var stdout, stderr bytes.Buffer
	c := agent.Verify{}
	c.Data, c.JSON, c.Out, c.Err = dir, asJSON, &stdout, &stderr
	err = c.Run(t.Context())
	return stdout.String(), stderr.String(), err
}

func repair(t *testing.T, dir string, asJSON bool) (out string, err error) {
	var stdout, stderr bytes.Buffer
	c := agent.Repair{}
	c.Data, c.JSON, c.Out, c.Err = dir, asJSON, &stdout, &stderr
	err = c.Run(t.Context())
	return stdout.String(), err
}

func TestVerifySaysThatAllIsSound(t *testing.T) {
	dir, _ := checked(t)
	out, progress, err := verify(t, dir, false)
	if want := "typical@v1: complete, 5 of 5 chunks held, 0 damaged, 0 missing\n"; err != nil || out != want {
		t.Errorf("verify: %q, %v, want %q", out, err, want)
	}
	if !strings.HasPrefix(progress, "verify 100%  0.2 MB in ") {
		t.Errorf("progress is %q", progress)
	}
}

func TestDamageIsVerifiedAndRepaired(t *testing.T) {
	dir, sample := checked(t)
	edit(t, dir, "b") // where chunk 0 ends
	out, _, err := verify(t, dir, false)
	if !strings.Contains(out, "incomplete, 5 of 5 chunks held, 1 damaged, 0 missing") || err == nil ||
		!strings.Contains(err.Error(), "sitecast agent repair --data "+dir) {
		t.Errorf("verify: %q, %v, want one chunk damaged and to be told what to do", out, err)
	}
	out, err = repair(t, dir, false)
	if err != nil || !strings.Contains(out, "done: forgot what is damaged, for the agent to fetch again (chunks: 1)") || !strings.Contains(out, "done: took it from its place") {
		t.Errorf("repair: %q, %v, want to be told what was done", out, err)
	}
	out, _, err = verify(t, dir, false)
	if !strings.Contains(out, "incomplete, 4 of 5 chunks held, 0 damaged, 1 missing") || err != nil {
		t.Errorf("verify after the repair: %q, %v, want one chunk missing", out, err)
	}
	store := openStore(t, dir)
	v := sample.Open(t, store)
	sample.CheckHeld(t, v, 1, 2, 3, 4)
	sample.Put(t, v, 0)
	if err := errors.Join(v.Complete(), sample.CheckTree(filepath.Join(dir, "content", "typical", "v1")), store.Close()); err != nil {
		t.Error(err)
	}
}

func TestReportIsJSONForScripts(t *testing.T) {
	dir, _ := checked(t)
	edit(t, dir, "b")
	said, _, verified := verify(t, dir, true)
	did, err := repair(t, dir, true)
	if verified == nil || err != nil {
		t.Errorf("verify: %v, repair: %v, want the first to fail", verified, err)
	}
	for what, text := range map[string]string{"verify": said, "repair": did} {
		var report struct {
			Versions []struct {
				Version, Content               string
				Chunks, Held, Damaged, Missing int
				Complete                       bool
				Problems, Repairs              []string
			}
			Leftovers []string
		}
		if err := json.Unmarshal([]byte(text), &report); err != nil || len(report.Versions) != 1 || report.Leftovers == nil {
			t.Fatalf("%s: %q, %v, want a report of one version", what, text, err)
		}
		v := report.Versions[0]
		if v.Content != "typical@v1" || len(v.Version) != 32 || v.Chunks != 5 || v.Held != 5 || v.Damaged != 1 || v.Missing != 0 ||
			v.Complete || v.Problems == nil || (len(v.Repairs) > 0) != (what == "repair") {
			t.Errorf("%s: %+v", what, v)
		}
	}
}

func TestCheckOfAFolderInUseOrOfNoneSaysWhatToDo(t *testing.T) {
	used, _ := checked(t)
	store := openStore(t, used)
	defer store.Close()
	for dir, want := range map[string]string{used: "stop it first", t.TempDir(): "--data DIR"} {
		_, _, err := verify(t, dir, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("verify: %v, want %q", err, want)
		}
		if _, err := repair(t, dir, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("repair: %v, want %q", err, want)
		}
	}
}

func TestLeftoversAreToldAndRemoved(t *testing.T) {
	dir, _ := checked(t)
	left := filepath.Join(dir, "store", "interrupted.new")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, _, err := verify(t, dir, false); err != nil || !strings.Contains(out, "Leftovers of interrupted work: 1.") {
		t.Errorf("verify: %q, %v, want a leftover and no damage", out, err)
	}
	if out, err := repair(t, dir, false); err != nil || !strings.Contains(out, "They were removed") {
		t.Errorf("repair: %q, %v, want the leftover removed", out, err)
	}
	if _, err := os.Lstat(left); err == nil {
		t.Error("the leftover is still there")
	}
}
