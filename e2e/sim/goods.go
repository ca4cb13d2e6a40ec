package sim

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// Version is a version with all its bytes, as the origin has it.
type Version struct {
	Name   string
	spec   site.FlowSpec
	body   []byte
	list   *content.Body
	chunks [][]byte
	// patches are to the version that spec names, nil for none.
	patches *schedule.Patches
}

// goods are the versions that stories are about, the same in every world.
type goods struct {
	root     ed25519.PublicKey
	document json.RawMessage
	trust    *content.Trust
	versions []*Version
	byID     map[content.VersionID]*Version
}

// meanChunk is the size of chunks, give or take a quarter.
const meanChunk = 16 << 10

// stock makes the goods, once for all worlds: an application, another that shares
// three chunks in four with it, and may come as patches to it, and a small document. They have different names: who
// knows a version refuses an older one, so that in which order they come would matter.
var stock = sync.OnceValue(func() *goods {
	rng := rand.New(rand.NewPCG(1, 2))
	root, publisher := ed25519.NewKeyFromSeed(seedOf(1)), ed25519.NewKeyFromSeed(seedOf(2))
	created := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	g := &goods{root: root.Public().(ed25519.PublicKey), byID: map[content.VersionID]*Version{}}
	var err error
	g.document, err = content.SignTrust(content.TrustDocument{Serial: 1, Created: created, Publishers: []content.Publisher{{
		Key: publisher.Public().(ed25519.PublicKey), Name: "publisher", Prefixes: []string{""}}}}, root)
	must(err)
	g.trust, err = content.OpenTrust(g.document, g.root)
	must(err)
	random := rand.NewChaCha8([32]byte{3})
	fresh := func(n int) (chunks [][]byte) {
		for range n {
			data := make([]byte, meanChunk*3/4+rng.IntN(meanChunk/2))
			_, _ = random.Read(data)
			chunks = append(chunks, data)
		}
		return chunks
	}
	shelf := shelf{at: map[content.Digest]schedule.Place{}}
	first := fresh(300)
	second := make([][]byte, 0, len(first))
	for i, chunk := range first {
		if i%4 == 3 {
			chunk = fresh(1)[0]
		}
		second = append(second, chunk)
	}
	for serial, v := range []struct {
		name, version string
		chunks        [][]byte
	}{{"app", "1", first}, {"kit", "1", second}, {"doc", "1", fresh(40)}} {
		g.add(makeVersion(v.name, v.version, uint64(serial+1), v.chunks, &shelf, publisher, created))
	}
	g.versions[1].patchTo(g.versions[0])
	return g
})

// patchShare is the part of a chunk, one in so many, that it takes as a patch.
const patchShare = 8

// patchTo makes patches of the chunks that an older version lacks, but for a few that lie
// among them as they are. The dictionary of each is what the older one has around its place.
func (v *Version) patchTo(older *Version) {
	has := map[content.Digest]bool{}
	for _, c := range older.list.Chunks {
		has[c.Digest] = true
	}
	p, at := &schedule.Patches{Base: older.spec.ID, Object: content.Sum([]byte("patches"))}, int64(0)
	for i, c := range v.list.Chunks {
		if has[c.Digest] {
			continue
		}
		part := wire.PatchPart{Length: v.spec.Places[i].Length}
		if i%5 != 0 {
			part = wire.PatchPart{Length: part.Length / patchShare, Encoding: uint8(pack.Patch), First: uint32(i - 1), Count: 3}
			part.Count = min(part.Count, uint32(len(older.list.Chunks))-part.First)
		}
		p.Places = append(p.Places, schedule.PatchPlace{Chunk: uint32(i), Offset: at, PatchPart: part})
		at += int64(part.Length)
	}
	v.patches, v.spec.PatchesOf = p, older.spec.ID
}

// dictionary is what a chunk's patch is made of.
func (v *Version) dictionary(chunk uint32) []byte {
	i := slices.IndexFunc(v.patches.Places, func(p schedule.PatchPlace) bool { return p.Chunk == chunk })
	p := v.patches.Places[i]
	return slices.Concat(stock().byID[v.patches.Base].chunks[p.First : p.First+p.Count]...)
}

func (g *goods) add(v *Version) {
	g.versions = append(g.versions, v)
	g.byID[v.spec.ID] = v
}

// Versions lists the goods.
func Versions() []*Version { return stock().versions }

// shelf says where chunks lie in packs.
type shelf struct {
	at    map[content.Digest]schedule.Place
	packs byte
}

// pack adds what the shelf does not have yet as one pack.
func (s *shelf) pack(chunks [][]byte) (places []schedule.Place) {
	s.packs++
	name, end := content.Sum([]byte{s.packs}), int64(0)
	for _, data := range chunks {
		digest := content.Sum(data)
		if _, known := s.at[digest]; !known {
			length := uint32(len(data) * 3 / 4) // as if it had been compressed
			s.at[digest] = schedule.Place{Pack: name, Offset: end, Length: length}
			end += int64(length)
		}
		places = append(places, s.at[digest])
	}
	return places
}

func makeVersion(name, version string, serial uint64, chunks [][]byte, on *shelf, key ed25519.PrivateKey, at time.Time) *Version {
	v := &Version{Name: name + "@" + version, chunks: chunks}
	var b content.Builder
	total := int64(0)
	for _, data := range chunks {
		b.Add(content.Sum(data), uint32(len(data)))
		total += int64(len(data))
	}
	var err error
	v.list, err = b.Body([]content.File{{Path: "data.bin", Size: total}})
	must(err)
	v.body = v.list.Encode()
	v.spec.Head = content.Head{Name: name, Version: version, Serial: serial, Created: at, Kind: content.KindFile,
		Bytes: total, UniqueBytes: total, Chunks: uint32(len(chunks)), Body: content.Sum(v.body), BodyBytes: int64(len(v.body))}
	v.spec.Envelope, v.spec.ID, err = content.SignHead(v.spec.Head, key)
	must(err)
	v.spec.Places = on.pack(chunks)
	return v
}

func seedOf(n byte) []byte {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return seed
}

// must is for what can't fail with goods that are always the same.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("sim: %v", err))
	}
}

// GoString is how a drawn version is printed.
func (v *Version) GoString() string { return v.Name }
