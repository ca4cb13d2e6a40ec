package fleet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// seeder is who did it, in the audit log.
const seeder = "fleet"

// seedTogether is how many endpoints are enrolled at a time.
const seedTogether = 8

// Seed puts the sites of a plan, with the addresses that they are seen under, and its
// endpoints into a catalog that no server has open, as if all had been enrolled. What is
// there already stays.
func Seed(ctx context.Context, c catalog.Catalog, p Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	for i := range p.Places {
		err := c.CreateSite(ctx, seeder, catalog.Site{Name: p.Place(i).Name, Cap: catalog.NoCap, Created: time.Now()})
		if err != nil && !errors.Is(err, catalog.ErrConflict) {
			return fmt.Errorf("create %s: %w", p.Place(i).Name, err)
		}
	}
	if _, err := c.ChangeNetworks(ctx, seeder, nil, p.Networks()); err != nil {
		return fmt.Errorf("map the networks: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(seedTogether)
	for i := range p.Places {
		group.Go(func() error { return seedPlace(ctx, c, p, i) })
	}
	return group.Wait()
}

// Networks are the addresses that the sites are seen under.
func (p Plan) Networks() []catalog.Network {
	out := make([]catalog.Network, p.Places)
	for i := range out {
		at := p.Place(i)
		out[i] = catalog.Network{CIDR: at.Host.String() + "/32", Site: at.Name, Kind: catalog.NetworkEgress}
	}
	return out
}

// seedPlace enrols the endpoints of a site, with tokens that nobody else ever knows.
func seedPlace(ctx context.Context, c catalog.Catalog, p Plan, place int) error {
	tokens := map[bool]catalog.Enrolment{}
	hashes := map[bool][]byte{}
	for _, roams := range []bool{false, true} {
		_, hash := credential.NewSecret()
		hashes[roams] = hash
		tokens[roams] = catalog.Enrolment{ID: "fleet-" + rand.Text(), Site: p.Place(place).Name, SecretHash: hash,
			Uses: maxHere, Roaming: roams, Expires: time.Now().Add(time.Hour)}
		if err := c.CreateEnrolment(ctx, seeder, tokens[roams]); err != nil {
			return fmt.Errorf("make an enrolment token: %w", err)
		}
	}
	for k := place; k < p.Endpoints; k += p.Places {
		if _, err := c.Endpoint(ctx, string(p.ID(k))); !errors.Is(err, catalog.ErrNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		roams := p.Roams(k)
		ep := catalog.Endpoint{ID: string(p.ID(k)), Key: p.Key(k).Public().(ed25519.PublicKey), Name: p.Name(k), Device: wire.DeviceAgent}
		if _, err := c.Enrol(ctx, tokens[roams].ID, hashes[roams], ep, time.Now()); err != nil {
			return fmt.Errorf("enrol %s: %w", p.Name(k), err)
		}
	}
	return nil
}
