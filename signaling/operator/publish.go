package operator

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
	"github.com/sitecast/sitecast/storage/unpack"
)

// Publish is `sitecast publish`.
type Publish struct {
	Remote
	Path    string `arg:"" type:"existingpath" help:"File or folder to publish."`
	Unpack  bool   `help:"Publish the tree inside PATH, a tar (plain, gzip, xz or zstd), zip or deb."`
	Name    string `help:"Name of the content." required:"" placeholder:"NAME"`
	Version string `help:"Version of it; each is published once." required:"" placeholder:"V"`
	Key     string `help:"Publisher key; made on first use (default: publisher.key in the user's sitecast configuration folder)." type:"path" env:"SITECAST_PUBLISHER_KEY" placeholder:"FILE"`
	TempDir string `name:"temp-dir" help:"Folder for packs on their way (default: the system's)." type:"existingdir" placeholder:"DIR"`
}

// Help is the long help with an example.
func (Publish) Help() string {
	return `Cuts the content into chunks, uploads what the server lacks and signs the result.
An interrupted publish can be repeated: what arrived is not sent again. The last
line printed is NAME@V.

Chunks that any earlier version has, of this content or another, are neither sent
nor stored again, and sites that hold them fetch the others only. That can't help
with files whose every byte changes: compressed archives and images, encrypted
files, packed executables, databases that are written anew. Publish the tree inside
an archive with --unpack; it is unpacked into a temporary folder first, which needs
room for it. Links, devices and set-uid files are refused there as in a folder. A
deb becomes the tree it installs, with its control files in DEBIAN/.

Examples:
  sitecast publish ./till-app --name till-app --version 2.1
  sitecast publish --unpack till-app_2.1.tar.gz --name till-app --version 2.1`
}

// Validate refuses names that can't be one.
func (c Publish) Validate() error {
	return errors.Join(content.CheckName(c.Name), content.CheckVersion(c.Version))
}

// Run publishes. The server is asked first: a version that exists, or a key that
// may not publish, ends it before the work.
func (c Publish) Run(ctx context.Context) (err error) {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	ref := content.Ref{Name: c.Name, Version: c.Version}
	key, err := c.publisherKey()
	if err != nil {
		return err
	}
	var reserved api.Reserved
	if err := server.call(ctx, http.MethodPost, "/versions", nil, api.NewVersion{Name: c.Name, Version: c.Version}, &reserved); err != nil {
		return fmt.Errorf("publish %s: %w", ref, err)
	}
	if err := c.introduce(ctx, server, key); err != nil {
		return fmt.Errorf("let the key publish: %w", err)
	}
	dir, err := os.MkdirTemp(c.TempDir, "sitecast-publish-")
	if err != nil {
		return fmt.Errorf("make a folder for packs: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path, err := c.tree(ctx, dir)
	if err != nil {
		return err
	}
	result, err := c.ingest(ctx, server, path, dir)
	if err != nil {
		return fmt.Errorf("publish %s: %w", c.Path, err)
	}
	head := content.Head{Name: c.Name, Version: c.Version, Serial: reserved.Serial, Created: time.Now(), Kind: result.Kind,
		Bytes: result.Bytes, UniqueBytes: result.Body.UniqueBytes(), Chunks: uint32(len(result.Body.Chunks)),
		Body: content.Sum(result.Encoded), BodyBytes: int64(len(result.Encoded))}
	if err := c.upload(ctx, server, result); err != nil {
		return fmt.Errorf("upload %s: %w", ref, err)
	}
	signed, _, err := content.SignHead(head, key)
	if err != nil {
		return err
	}
	version := api.SignedVersion{Head: signed, Packs: []content.Digest{}}
	for _, p := range result.Packs {
		version.Packs = append(version.Packs, p.Digest)
	}
	address := "/versions/" + url.PathEscape(c.Name) + "/" + url.PathEscape(c.Version)
	if err := server.call(ctx, http.MethodPut, address, nil, version, nil); err != nil {
		return fmt.Errorf("publish %s: %w", ref, err)
	}
	c.summarize(result)
	c.say("%s", ref)
	return nil
}

// publisherKey opens the key, making one on first use.
func (c Publish) publisherKey() (ed25519.PrivateKey, error) {
	path, err := publisherKeyPath(c.Key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the publisher key: %w", err)
	}
	key, fresh, err := credential.OpenPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("open the publisher key: %w", err)
	}
	if fresh {
		c.say("Made a publisher key: %s\nWhoever has it can publish in your name: keep it safe.", path)
	}
	return key, nil
}

// publisherKeyPath is where the publisher key lies: at path, or where it is by default.
func publisherKeyPath(path string) (string, error) {
	if path != "" {
		return path, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for the publisher key (name a file with --key): %w", err)
	}
	return filepath.Join(config, "sitecast", "publisher.key"), nil
}

// introduce has the key added to the organisation's trust document, unless it is
// there.
func (c Publish) introduce(ctx context.Context, server *client, key ed25519.PrivateKey) error {
	var state api.TrustState
	if err := server.call(ctx, http.MethodGet, "/trust", nil, nil, &state); err != nil {
		return err
	}
	public := key.Public().(ed25519.PublicKey)
	if len(state.Document) > 0 && string(state.Document) != "null" {
		trust, err := content.OpenTrust(state.Document, state.Root)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(trust.Document().Publishers, func(p content.Publisher) bool { return p.Key.Equal(public) }) {
			return nil // whether its prefixes cover the name is for the server to say
		}
	}
	who := "publisher"
	if u, err := user.Current(); err == nil && u.Username != "" {
		who = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		who += "@" + host
	}
	who = cut(strings.ToValidUTF8(who, "?"), content.MaxNameBytes/4) // a character has at most four bytes
	in := api.NewPublisher{Key: public, Name: who, Prefixes: []string{""}}
	if err := server.call(ctx, http.MethodPost, "/publishers", nil, in, &state); err != nil {
		return err
	}
	c.say("Added the key to the organisation's trust document (serial %d) as %s.", state.Serial, who)
	return nil
}

// tree returns the file or folder to publish, which is unpacked into dir where it
// lies in an archive.
func (c Publish) tree(ctx context.Context, dir string) (string, error) {
	if !c.Unpack {
		return c.Path, nil
	}
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o700); err != nil {
		return "", fmt.Errorf("make a folder to unpack into: %w", err)
	}
	err := c.staged(ctx, "Unpacking", func(progress func(done, total int64)) error {
		return unpack.Run(ctx, c.Path, tree, unpack.Options{Progress: progress})
	})
	return tree, err
}

// ingest cuts the content at path into packs in dir.
func (c Publish) ingest(ctx context.Context, server *client, path, dir string) (result ingest.Result, err error) {
	err = c.staged(ctx, "Reading", func(progress func(done, total int64)) error {
		// Twice as many as there are processors: half of them may wait for the server.
		result, err = ingest.Run(ctx, path, dir, ingest.Options{Known: server.known, Parallel: 2 * runtime.GOMAXPROCS(0), Progress: progress})
		return err
	})
	return result, err
}

// staged shows the progress of do.
func (c Publish) staged(ctx context.Context, name string, do func(progress func(done, total int64)) error) error {
	p := newProgress(ctx, c.stderr())
	var stage *stage
	err := do(func(done, total int64) {
		if stage == nil {
			stage = p.begin(name, total)
		}
		stage.set(done)
	})
	if stage != nil {
		stage.end(err == nil)
	}
	p.wait()
	return err
}

func (c Publish) summarize(r ingest.Result) {
	packed := int64(0)
	for _, p := range r.Packs {
		packed += p.Size
	}
	c.say("%s in %d files, %d chunks, %s packed in %d packs", bytesText(r.Bytes), len(r.Body.Files), len(r.Body.Chunks), bytesText(packed), len(r.Packs))
}
