package operator

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
)

// Publish is `sitecast publish`.
type Publish struct {
	Remote
	Path    string        `arg:"" help:"File or folder to publish." type:"path"`
	Name    string        `help:"Name of the content." required:""`
	Version string        `help:"Version of it." required:""`
	Key     string        `help:"Publisher's key; made on first use (default: sitecast/publisher.key in the user's configuration)." type:"path" env:"SITECAST_PUBLISHER_KEY" placeholder:"FILE"`
	Expires time.Duration `help:"How long endpoints may begin to take the version; 0 for ever." default:"0"`
}

// Help is the long help with an example.
func (Publish) Help() string {
	return "The last line printed is NAME@V.\n\nExample:\n  sitecast publish ./build --name pos-app --version 4.2"
}

// Run publishes.
func (c Publish) Run(ctx context.Context) error {
	ref := content.Ref{Name: c.Name, Version: c.Version}
	if err := ref.Check(); err != nil {
		return usage(err)
	}
	cl, err := c.connect()
	if err != nil {
		return err
	}
	key, err := c.publisher(ctx, cl)
	if err != nil {
		return err
	}
	var reserved api.Reserved
	if err := cl.call(ctx, "POST", "versions", nil, api.NewVersion{Name: c.Name, Version: c.Version}, &reserved); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sitecast-publish-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	made, err := c.ingest(ctx, dir)
	if err != nil {
		return err
	}
	head := content.Head{Name: c.Name, Version: c.Version, Serial: reserved.Serial, Created: time.Now(), Kind: made.Kind,
		Bytes: made.Bytes, UniqueBytes: made.Body.UniqueBytes(), Chunks: uint32(len(made.Body.Chunks)),
		Body: content.Sum(made.Encoded), BodyBytes: int64(len(made.Encoded))}
	if c.Expires > 0 {
		head.Expires = head.Created.Add(c.Expires)
	}
	if err := cl.uploadAll(ctx, made, head.Body); err != nil {
		return err
	}
	signed, _, err := content.SignHead(head, key)
	if err != nil {
		return err
	}
	version := api.SignedVersion{Head: signed, Packs: digests(made.Packs)}
	if err := cl.call(ctx, "PUT", "versions/"+url.PathEscape(c.Name)+"/"+url.PathEscape(c.Version), nil, version, nil); err != nil {
		return err
	}
	fmt.Println(ref)
	return nil
}

// ingest cuts and packs the content, showing progress.
func (c Publish) ingest(ctx context.Context, dir string) (ingest.Result, error) {
	var bar *transferBar
	made, err := ingest.Run(ctx, c.Path, dir, ingest.Options{Progress: func(done, total int64) {
		if bar == nil {
			bar = newTransferBar("reading", total)
		}
		bar.set(done)
	}})
	if bar != nil {
		bar.finish()
	}
	if err != nil {
		return made, fmt.Errorf("publish %s: %w", c.Path, err)
	}
	packed := int64(0)
	for _, p := range made.Packs {
		packed += p.Size
	}
	fmt.Printf("%s in %d files: %d chunks, %s packed\n", sizeText(made.Bytes), len(made.Body.Files), len(made.Body.Chunks), sizeText(packed))
	return made, nil
}

func digests(packs []ingest.Pack) []content.Digest {
	out := make([]content.Digest, 0, len(packs))
	for _, p := range packs {
		out = append(out, p.Digest)
	}
	return out
}

// uploadAll sends the objects that the origin lacks.
func (c *client) uploadAll(ctx context.Context, made ingest.Result, body content.Digest) error {
	var missing api.Objects
	want := api.Objects{Digests: append(digests(made.Packs), body)}
	if err := c.call(ctx, "POST", "objects/missing", nil, want, &missing); err != nil {
		return err
	}
	total := int64(0)
	for _, p := range made.Packs {
		if slices.Contains(missing.Digests, p.Digest) {
			total += p.Size
		}
	}
	bar := newTransferBar("uploading", total)
	defer bar.finish()
	var sent atomic.Int64
	for _, p := range made.Packs {
		if !slices.Contains(missing.Digests, p.Digest) {
			continue
		}
		if err := c.uploadFile(ctx, p, func(n int) { bar.set(sent.Add(int64(n))) }); err != nil {
			return fmt.Errorf("upload pack: %w", err)
		}
	}
	if !slices.Contains(missing.Digests, body) {
		return nil
	}
	if err := c.upload(ctx, body.String(), int64(len(made.Encoded)), bytes.NewReader(made.Encoded)); err != nil {
		return fmt.Errorf("upload body: %w", err)
	}
	return nil
}

func (c *client) uploadFile(ctx context.Context, p ingest.Pack, sent func(int)) error {
	file, err := os.Open(p.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	return c.upload(ctx, p.Digest.String(), p.Size, counted{file, sent})
}

// counted tells of bytes as they are read.
type counted struct {
	io.Reader
	read func(int)
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.read(n)
	return n, err
}

// publisher returns the publisher's key, making it and having it trusted on first
// use.
func (c Publish) publisher(ctx context.Context, cl *client) (ed25519.PrivateKey, error) {
	path := c.Key
	if path == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("find a place for the publisher's key (or name one with --key): %w", err)
		}
		path = filepath.Join(config, "sitecast", "publisher.key")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	key, fresh, err := credential.OpenPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("open the publisher's key: %w", err)
	}
	if fresh {
		fmt.Printf("made a publisher's key at %s; keep it safe: it signs what endpoints run\n", path)
	}
	return key, cl.trusted(ctx, key.Public().(ed25519.PublicKey), c.Name)
}

// trusted has the key added to the trust document unless it is there.
func (c *client) trusted(ctx context.Context, key ed25519.PublicKey, name string) error {
	var state api.TrustState
	if err := c.call(ctx, "GET", "trust", nil, nil, &state); err != nil {
		return err
	}
	trust, err := content.OpenTrust(state.Document, state.Root)
	if err != nil {
		return fmt.Errorf("read the trust document: %w", err)
	}
	for _, p := range trust.Document().Publishers {
		if p.Key.Equal(key) {
			return nil
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "publisher"
	}
	if err := c.call(ctx, "POST", "publishers", nil, api.NewPublisher{Key: key, Name: host, Prefixes: []string{""}}, nil); err != nil {
		return fmt.Errorf("have the publisher's key trusted: %w", err)
	}
	fmt.Println("the organisation's trust document now names this key")
	return nil
}
