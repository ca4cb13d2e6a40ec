package fleet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// MaxPlaces bounds the sites of a fleet: each has a network 10.x.y.0/24 of its own.
const MaxPlaces = 1 << 16

// maxHere bounds the endpoints of a place: they have addresses in its network.
const maxHere = 250

// Plan says of what a fleet is made. Two with equal plans are alike: keys, names, places,
// rates and times follow from the seed.
type Plan struct {
	Seed      uint64
	Prefix    string  // of names of sites, as "fleet"
	Places    int     // sites
	Endpoints int     // over all sites, as evenly as can be
	Roaming   float64 // share of them that are where their networks say, 0 to 1
	// WAN is what the line of a site carries in bytes a second, give or take a fifth, and LAN
	// what an endpoint takes from its peers. Both are shared by all flows.
	WAN, LAN int64
}

// Check reports what is wrong with a plan.
func (p Plan) Check() error {
	switch {
	case p.Places < 1 || p.Places > MaxPlaces:
		return fmt.Errorf("a fleet has 1 to %d sites, not %d", MaxPlaces, p.Places)
	case p.Endpoints < 1 || p.Endpoints > maxHere*p.Places:
		return fmt.Errorf("%d sites have 1 to %d endpoints, not %d: take more sites", p.Places, maxHere*p.Places, p.Endpoints)
	case p.WAN < 1 || p.LAN < 1:
		return errors.New("a rate has to be positive")
	case !(p.Roaming >= 0 && p.Roaming <= 1):
		return errors.New("the share of endpoints that roam is 0 to 1")
	}
	return content.CheckName(p.Place(0).Name)
}

// Place is a site as the plan has it.
type Place struct {
	Name string
	// Host is the address on loopback from which its endpoints reach the server: the site's
	// public address, so to speak. LAN is its network, in which nothing is.
	Host netip.Addr
	LAN  netip.Prefix
}

// Place returns the site with that number, from 0 on.
func (p Plan) Place(i int) Place {
	var host, lan [4]byte
	binary.BigEndian.PutUint32(host[:], 127<<24|1<<16+uint32(i)+1)
	binary.BigEndian.PutUint32(lan[:], 10<<24|uint32(i)<<8)
	return Place{Name: fmt.Sprintf("%s-%05d", p.Prefix, i+1), Host: netip.AddrFrom4(host), LAN: netip.PrefixFrom(netip.AddrFrom4(lan), 24)}
}

// Home is the number of the site where an endpoint enrols.
func (p Plan) Home(endpoint int) int { return endpoint % p.Places }

// at is an endpoint's address at a site.
func (p Plan) at(endpoint int, where Place) netip.Addr {
	a := where.LAN.Addr().As4()
	a[3] = byte(1 + endpoint/p.Places%maxHere)
	return netip.AddrFrom4(a)
}

// Name is what an endpoint calls itself.
func (p Plan) Name(endpoint int) string { return fmt.Sprintf("%s-till-%06d", p.Prefix, endpoint+1) }

// Roams reports whether an endpoint roams.
func (p Plan) Roams(endpoint int) bool { return p.random("roams", endpoint).Float64() < p.Roaming }

// Key is an endpoint's key.
func (p Plan) Key(endpoint int) ed25519.PrivateKey {
	seed := p.sum("key", endpoint)
	return ed25519.NewKeyFromSeed(seed[:])
}

// ID is the name under which the server knows it.
func (p Plan) ID(endpoint int) wire.EndpointID {
	return wire.IDOf(p.Key(endpoint).Public().(ed25519.PublicKey))
}

// rate is what the line of a site carries.
func (p Plan) rate(place int) float64 {
	return float64(p.WAN) * (0.8 + 0.4*p.random("rate", place).Float64())
}

// A link takes firstSetUp to twice that to come up, and what is whole takes commit to
// become visible.
const (
	firstSetUp = 100 * time.Millisecond
	commit     = 50 * time.Millisecond
)

func (p Plan) sum(what string, i int) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "sitecast fleet %s %d %s %d", p.Prefix, p.Seed, what, i))
}

func (p Plan) random(what string, i int) *rand.Rand { return rand.New(rand.NewChaCha8(p.sum(what, i))) }
