package operator

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"net/http"
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
	Path     string        `arg:"" help:"File or folder to publish, or the https URL of a vendor's file, which sites fetch from there."`
	Unpack   bool          `help:"Publish the tree inside PATH, a tar (plain, gzip, xz or zstd), zip or deb."`
	Name     string        `help:"Name of the content." required:"" placeholder:"NAME"`
	Version  string        `help:"Version of it; each is published once." required:"" placeholder:"V"`
	Key      string        `help:"Publisher key; made on first use (default: publisher.key in the user's sitecast configuration folder)." type:"path" env:"SITECAST_PUBLISHER_KEY" placeholder:"FILE"`
	TempDir  string        `name:"temp-dir" help:"Folder for packs on their way (default: the system's)." type:"existingdir" placeholder:"DIR"`
	RetryFor time.Duration `name:"retry-for" help:"How long to try again while the server can't be reached or fails and nothing moves (0: not at all)." default:"1m" placeholder:"DURATION"`
	JSON     bool          `name:"json" help:"Print one JSON object, and all else to stderr."`
}

// Help is the long help with an example.
func (Publish) Help() string {
	return `Cuts the content into chunks, uploads what the server lacks and signs the result.
An interrupted publish can be repeated: what arrived is not sent again, not even of
a pack that was interrupted. The last line printed is NAME@V. Publishing the same
bytes again under the same name and version is done at once and succeeds; other
bytes are refused. Failures that may pass are tried again.

Chunks that any earlier version has, of this content or another, are neither sent
nor stored again, and sites that hold them fetch the others only. That can't help
with files whose every byte changes: compressed archives and images, encrypted
files, packed executables, databases that are written anew. Publish the tree inside
an archive with --unpack; it is unpacked into a temporary folder first, which needs
room for it. Links, devices and set-uid files are refused there as in a folder. A
deb becomes the tree it installs, with its control files in DEBIAN/.

PATH may be the https URL of a file that a vendor hosts. It is downloaded once, to be
cut and hashed, and nothing of it is uploaded: one endpoint of each site fetches it from
that URL, by ranges, and each chunk is checked. The vendor's server has to answer ranges.
When the file changes there nobody fetches it any more, and flows say so: publish it again,
under another version.

Examples:
  sitecast publish ./till-app --name till-app --version 2.1
  sitecast publish https://vendor.example/app-1.2.msi --name vendor-app --version 1.2
  sitecast publish ./till-app --name till-app --version "$CI_COMMIT_TAG" --key "$KEY_FILE" --json
  sitecast publish --unpack till-app_2.1.tar.gz --name till-app --version 2.1`
}

// Validate refuses names that can't be one.
func (c Publish) Validate() error {
	err := errors.Join(content.CheckName(c.Name), content.CheckVersion(c.Version), c.checkPath())
	if c.RetryFor < 0 {
		err = errors.Join(err, errors.New("--retry-for: want a time such as 5m, or 0"))
	}
	return err
}

// PublishReport is what publishing came to, as it is printed for programs.
type PublishReport struct {
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	Serial   uint64            `json:"serial"`
	ID       content.VersionID `json:"id"`
	Digest   content.Digest    `json:"digest"`         // of the body, which is the same for the same bytes
	Bytes    int64             `json:"bytes"`          // of all files
	NewBytes int64             `json:"new_bytes"`      // of chunks that the server lacked
	Uploaded int64             `json:"uploaded_bytes"` // sent by this run: new chunks as they were encoded, and the body
	Seconds  float64           `json:"seconds"`
	Already  bool              `json:"already"`        // it was published before, with the same bytes
	From     string            `json:"from,omitempty"` // the vendor's URL that sites fetch it from
}

// Run publishes. The server is asked first: a version of other bytes, or a key that
// may not publish, ends it before the upload.
func (c Publish) Run(ctx context.Context) (err error) {
	began := time.Now()
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	server.retries = retries{c.RetryFor, c.notice}
	key, err := c.publisherKey()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(c.TempDir, "sitecast-publish-")
	if err != nil {
		return fmt.Errorf("make a folder for packs: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	report, err := c.publish(ctx, server, key, dir)
	if err != nil {
		return err
	}
	if c.JSON {
		report.Seconds = math.Round(time.Since(began).Seconds()*1000) / 1000
		return c.printJSON(report)
	}
	c.say("%s", c.ref())
	return nil
}

func (c Publish) ref() content.Ref { return content.Ref{Name: c.Name, Version: c.Version} }

// tell prints a line for people.
func (c Publish) tell(format string, args ...any) {
	if c.JSON {
		c.notice(format, args...)
		return
	}
	c.say(format, args...)
}

// publish publishes, with packs in dir, unless it was done before.
func (c Publish) publish(ctx context.Context, server *client, key ed25519.PrivateKey, dir string) (PublishReport, error) {
	var there api.Published
	err := server.try(ctx, http.MethodGet, versionPath(c.ref()), nil, &there)
	published := err == nil
	if err != nil && !refusedAs(err, "not_found") {
		return PublishReport{}, fmt.Errorf("publish %s: %w", c.ref(), err)
	}
	switch {
	case isURL(c.Path) && published:
		return c.publishFrom(ctx, server, key, dir, &there)
	case isURL(c.Path):
		return c.publishFrom(ctx, server, key, dir, nil)
	case published:
		return c.compare(ctx, there, dir)
	}
	serial, err := c.prepare(ctx, server, key)
	if err != nil {
		return PublishReport{}, err
	}
	path, err := c.tree(ctx, dir)
	if err != nil {
		return PublishReport{}, err
	}
	report, err := c.send(ctx, server, key, server.known, path, dir, serial, nil)
	if refusedAs(err, "chunks_missing") { // what was there is not any more
		c.notice("%v; beginning anew", err)
		report, err = c.send(ctx, server, key, server.known, path, dir, serial, nil)
	}
	return report, err
}

// prepare reserves the version and has the key trusted, and returns the serial.
func (c Publish) prepare(ctx context.Context, server *client, key ed25519.PrivateKey) (uint64, error) {
	var reserved api.Reserved
	if err := server.try(ctx, http.MethodPost, "/versions", api.NewVersion{Name: c.Name, Version: c.Version}, &reserved); err != nil {
		return 0, fmt.Errorf("publish %s: %w", c.ref(), err)
	}
	if err := c.introduce(ctx, server, key); err != nil {
		return 0, fmt.Errorf("let the key publish: %w", err)
	}
	return reserved.Serial, nil
}

// send cuts, uploads and completes the version. Where it lies at a vendor's all chunks are
// known, and there are no packs.
func (c Publish) send(ctx context.Context, server *client, key ed25519.PrivateKey, known ingest.Known, path, dir string, serial uint64, from *api.VendorFile) (PublishReport, error) {
	result, err := c.ingest(ctx, known, path, dir)
	if err != nil {
		return PublishReport{}, fmt.Errorf("publish %s: %w", c.Path, err)
	}
	head := content.Head{Name: c.Name, Version: c.Version, Serial: serial, Created: time.Now(), Kind: result.Kind,
		Bytes: result.Bytes, UniqueBytes: result.Body.UniqueBytes(), Chunks: uint32(len(result.Body.Chunks)),
		Body: content.Sum(result.Encoded), BodyBytes: int64(len(result.Encoded))}
	sent, err := c.upload(ctx, server, result)
	if err != nil {
		return PublishReport{}, fmt.Errorf("upload %s: %w", c.ref(), err)
	}
	signed, _, err := content.SignHead(head, key)
	if err != nil {
		return PublishReport{}, err
	}
	version := api.SignedVersion{Head: signed, Packs: []content.Digest{}, External: from}
	for _, p := range result.Packs {
		version.Packs = append(version.Packs, p.Digest)
	}
	var done api.Published
	err = server.try(ctx, http.MethodPut, versionPath(c.ref()), version, &done)
	if refusedAs(err, "conflict") { // somebody else published it meanwhile
		if server.try(ctx, http.MethodGet, versionPath(c.ref()), nil, &done) == nil {
			return c.same(done, result)
		}
	}
	if err != nil {
		return PublishReport{}, fmt.Errorf("publish %s: %w", c.ref(), err)
	}
	if from != nil {
		c.summarizeFrom(result, done)
	} else {
		c.summarize(result)
	}
	report := reportOf(done)
	report.Uploaded = sent
	for _, p := range result.Packs {
		for _, e := range p.Entries {
			report.NewBytes += int64(e.Plain)
		}
	}
	return report, nil
}

// compare tells whether what is published is what would be. Nothing is uploaded.
func (c Publish) compare(ctx context.Context, there api.Published, dir string) (PublishReport, error) {
	path, err := c.tree(ctx, dir)
	if err != nil {
		return PublishReport{}, err
	}
	result, err := c.ingest(ctx, allKnown, path, dir)
	if err != nil {
		return PublishReport{}, fmt.Errorf("publish %s: %w", c.Path, err)
	}
	return c.same(there, result)
}

// same is what it comes to that a version was published before.
func (c Publish) same(there api.Published, result ingest.Result) (PublishReport, error) {
	if there.Head.Body != content.Sum(result.Encoded) || there.Head.Kind != result.Kind {
		return PublishReport{}, fmt.Errorf("publish %s: the version is published already, with other bytes\n"+
			"  publish these under another version: what is published never changes", c.ref())
	}
	c.tell("%s is published already, with the same bytes.", c.ref())
	report := reportOf(there)
	report.Already = true
	return report, nil
}

func reportOf(p api.Published) PublishReport {
	report := PublishReport{Name: p.Name, Version: p.Version, Serial: p.Serial, ID: p.ID, Digest: p.Head.Body, Bytes: p.Head.Bytes}
	if p.External != nil {
		report.From = p.External.URL
	}
	return report
}

// refusedAs reports whether an error is a refusal of the server with that code.
func refusedAs(err error, code string) bool {
	refused := new(Refusal)
	return errors.As(err, &refused) && refused.Code == code
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
		c.tell("Made a publisher key: %s\nWhoever has it can publish in your name: keep it safe.", path)
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

// readPublisherKey reads a publisher key that is there already.
func readPublisherKey(path string) (ed25519.PrivateKey, error) {
	path, err := publisherKeyPath(path)
	if err != nil {
		return nil, err
	}
	key, err := credential.ReadPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("read the publisher key (name it with --key): %w", err)
	}
	return key, nil
}

// introduce has the key added to the organisation's trust document, unless it is
// there.
func (c Publish) introduce(ctx context.Context, server *client, key ed25519.PrivateKey) error {
	var state api.TrustState
	if err := server.try(ctx, http.MethodGet, "/trust", nil, &state); err != nil {
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
	if err := server.try(ctx, http.MethodPost, "/publishers", in, &state); err != nil {
		return err
	}
	c.tell("Added the key to the organisation's trust document (serial %d) as %s.", state.Serial, who)
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
func (c Publish) ingest(ctx context.Context, known ingest.Known, path, dir string) (result ingest.Result, err error) {
	err = c.staged(ctx, "Reading", func(progress func(done, total int64)) error {
		// Twice as many as there are processors: half of them may wait for the server.
		result, err = ingest.Run(ctx, path, dir, ingest.Options{Known: known, Parallel: 2 * runtime.GOMAXPROCS(0), Progress: progress})
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
	c.tell("%s in %d files, %d chunks, %s packed in %d packs", bytesText(r.Bytes), len(r.Body.Files), len(r.Body.Chunks), bytesText(packed), len(r.Packs))
}
