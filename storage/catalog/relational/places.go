package relational

import (
	"cmp"
	"context"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// CreateSite implements catalog.Catalog.
func (c *Catalog) CreateSite(ctx context.Context, by string, s catalog.Site) error {
	if err := s.Check(); err != nil {
		return err
	}
	cidrs, err := listText(s.CIDRs)
	if err != nil {
		return err
	}
	return c.change(ctx, by, "create site", s.Name, "", func(ctx context.Context, tx *sql.Tx) error {
		s.Created = time.Now().UTC()
		changed(ctx, nil, s)
		res, err := tx.ExecContext(ctx, `INSERT INTO sites (name, cidrs, tz, created) VALUES ($1, $2, $3, $4)
			ON CONFLICT (name) DO NOTHING`, s.Name, cidrs, s.TZ, ms(time.Now()))
		if err := changedOne(res, err, fmt.Errorf("the name is taken: %w", catalog.ErrConflict)); err != nil {
			return err
		}
		_, err = writeSettings(ctx, tx, policy.Scope{Level: policy.Site, Subject: s.Name}, firstSettings(s))
		return err
	})
}

const siteColumns = `name, cidrs, tz, relay, relay_secret, created, ` + siteSettings

func scanSite(row interface{ Scan(...any) error }) (s catalog.Site, err error) {
	var cidrs, secret string
	var created int64
	var set [4]string
	if err := row.Scan(&s.Name, &cidrs, &s.TZ, &s.Relay, &secret, &created, &set[0], &set[1], &set[2], &set[3]); err != nil {
		return s, err
	}
	if s.RelaySecret, err = unhex(secret); err != nil {
		return s, err
	}
	s.Created = at(created)
	return s, errors.Join(json.Unmarshal([]byte(cidrs), &s.CIDRs), fillSite(&s, set))
}

// listText writes a list; nil is an empty one.
func listText(list []string) (string, error) {
	text, err := json.Marshal(append([]string{}, list...))
	return string(text), err
}

// unhex is nil for nothing.
func unhex(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return hex.DecodeString(text)
}

// Site implements catalog.Catalog.
func (c *Catalog) Site(ctx context.Context, name string) (catalog.Site, error) {
	s, err := scanSite(c.read.QueryRowContext(ctx, `SELECT `+siteColumns+` FROM sites WHERE name = $1`, name))
	return s, found("site "+name, err)
}

// Sites implements catalog.Catalog.
func (c *Catalog) Sites(ctx context.Context, after string, limit int) ([]catalog.Site, error) {
	return list(ctx, c.read, func(r *sql.Rows) (catalog.Site, error) { return scanSite(r) },
		`SELECT `+siteColumns+` FROM sites WHERE name > $1 ORDER BY name LIMIT $2`, after, page(limit))
}

// SetCap implements catalog.Catalog.
func (c *Catalog) SetCap(ctx context.Context, by, site string, limit int64) error {
	if err := catalog.CheckCap(limit); err != nil {
		return err
	}
	return c.setOfSite(ctx, by, "cap", site, policy.WANCap, policy.WriteCap(limit))
}

// SetHoldOff implements catalog.Catalog.
func (c *Catalog) SetHoldOff(ctx context.Context, by, site string, d time.Duration) error {
	if err := catalog.CheckHoldOff(d); err != nil {
		return err
	}
	return c.setOfSite(ctx, by, "hold-off", site, policy.HoldOff, policy.WriteHoldOff(d))
}

// SetReplicas implements catalog.Catalog.
func (c *Catalog) SetReplicas(ctx context.Context, by, site string, copies int) error {
	if err := catalog.CheckReplicas(copies); err != nil {
		return err
	}
	return c.setOfSite(ctx, by, "replicas", site, policy.Replicas, fmt.Sprint(copies))
}

// SetPeersOn implements catalog.Catalog.
func (c *Catalog) SetPeersOn(ctx context.Context, by, site string, networks []string) error {
	if err := catalog.CheckPeersOn(networks); err != nil {
		return err
	}
	return c.setOfSite(ctx, by, "peers on", site, policy.PeersOn, policy.WriteNetworks(networks))
}

// SetRelay implements catalog.Catalog. The secret is not audited.
func (c *Catalog) SetRelay(ctx context.Context, by, site string, r catalog.SiteRelay) error {
	if err := r.Check(); err != nil {
		return err
	}
	return c.setSite(ctx, by, "relay", site, cmp.Or(r.Address, "none"),
		`UPDATE sites SET relay = $1, relay_secret = $2 WHERE name = $3`, r.Address, hex.EncodeToString(r.Secret))
}

// setSite changes settings of a site, which is the last parameter of the update.
func (c *Catalog) setSite(ctx context.Context, by, action, site, detail, update string, values ...any) error {
	return c.change(ctx, by, action, site, detail, func(ctx context.Context, tx *sql.Tx) error {
		before, err := scanSite(tx.QueryRowContext(ctx, `SELECT `+siteColumns+` FROM sites WHERE name = $1`, site))
		if err != nil {
			return found("site "+site, err)
		}
		if _, err := tx.ExecContext(ctx, update, append(values, site)...); err != nil {
			return err
		}
		after, err := scanSite(tx.QueryRowContext(ctx, `SELECT `+siteColumns+` FROM sites WHERE name = $1`, site))
		if err != nil {
			return err
		}
		was, became, err := catalog.Difference(before, after)
		if err != nil {
			return err
		}
		changed(ctx, was, became)
		_, err = raise(ctx, tx)
		return err
	})
}

// CreateEnrolment implements catalog.Catalog.
func (c *Catalog) CreateEnrolment(ctx context.Context, by string, e catalog.Enrolment) error {
	if _, err := c.Site(ctx, e.Site); err != nil {
		return err
	}
	return c.change(ctx, by, "create enrolment", e.Site, fmt.Sprintf("token %s, %d uses", e.ID, e.Uses), func(ctx context.Context, tx *sql.Tx) error {
		changed(ctx, nil, map[string]any{"id": e.ID, "site": e.Site, "uses": e.Uses, "expires": e.Expires.UTC()})
		res, err := tx.ExecContext(ctx, `INSERT INTO enrolments (id, site, secret, uses, expires, roaming) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO NOTHING`, e.ID, e.Site, hex.EncodeToString(e.SecretHash), e.Uses, ms(e.Expires), flag(e.Roaming))
		return changedOne(res, err, fmt.Errorf("the id is taken: %w", catalog.ErrConflict))
	})
}

// Enrol implements catalog.Catalog.
func (c *Catalog) Enrol(ctx context.Context, id string, secretHash []byte, ep catalog.Endpoint, now time.Time) (catalog.Endpoint, error) {
	err := c.change(ctx, "endpoint "+ep.ID, "enrol", ep.ID, "token "+id, func(ctx context.Context, tx *sql.Tx) error {
		var secret string
		var uses, expires, roaming int64
		err := tx.QueryRowContext(ctx, `SELECT site, secret, uses, expires, roaming FROM enrolments WHERE id = $1`, id).
			Scan(&ep.Site, &secret, &uses, &expires, &roaming)
		if errors.Is(err, sql.ErrNoRows) {
			return catalog.ErrSpent
		}
		if err != nil {
			return err
		}
		want, err := hex.DecodeString(secret)
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(want, secretHash) != 1 || uses < 1 || !now.Before(at(expires)) {
			return catalog.ErrSpent
		}
		if _, err := tx.ExecContext(ctx, `UPDATE enrolments SET uses = uses - 1 WHERE id = $1`, id); err != nil {
			return err
		}
		ep.Roaming = roaming != 0
		before, err := placeOf(ctx, tx, ep.ID)
		if err != nil {
			return err
		}
		err = keep(ctx, tx, &ep, now)
		changed(ctx, before, place{ep.Site, ep.Name, ep.Device})
		return err
	})
	return ep, err
}

// place is what enrolling changes of an endpoint, as the audit log tells it.
type place struct {
	Site   string `json:"site"`
	Name   string `json:"name"`
	Device string `json:"device"`
}

// placeOf is that of an endpoint, nil of one that is new.
func placeOf(ctx context.Context, tx *sql.Tx, id string) (any, error) {
	var p place
	err := tx.QueryRowContext(ctx, `SELECT site, name, device FROM endpoints WHERE id = $1`, id).Scan(&p.Site, &p.Name, &p.Device)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return p, err
}

// keep creates an endpoint or moves it, and fills in what was known of it.
func keep(ctx context.Context, tx *sql.Tx, ep *catalog.Endpoint, now time.Time) error {
	if err := notRevoked(ctx, tx, ep.ID); err != nil {
		return err
	}
	var created, seen int64
	err := tx.QueryRowContext(ctx, `INSERT INTO endpoints (id, key, name, device, site, created, last_seen, roaming)
		VALUES ($1, $2, $3, $4, $5, $6, $6, $7) ON CONFLICT (id) DO UPDATE SET name = $3, device = $4, site = $5, roaming = $7,
		last_seen = CASE WHEN endpoints.last_seen < $6 THEN $6 ELSE endpoints.last_seen END
		WHERE endpoints.key = $2 RETURNING created, last_seen`,
		ep.ID, hex.EncodeToString(ep.Key), ep.Name, ep.Device, ep.Site, ms(now), flag(ep.Roaming)).Scan(&created, &seen)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("the id is that of another key: %w", catalog.ErrConflict)
	}
	ep.Created, ep.LastSeen = at(created), at(seen)
	return err
}

const endpointColumns = `id, key, name, device, site, roaming, created, last_seen`

func scanEndpoint(row interface{ Scan(...any) error }) (e catalog.Endpoint, err error) {
	var key string
	var roaming, created, seen int64
	if err := row.Scan(&e.ID, &key, &e.Name, &e.Device, &e.Site, &roaming, &created, &seen); err != nil {
		return e, err
	}
	e.Roaming, e.Created, e.LastSeen = roaming != 0, at(created), at(seen)
	e.Key, err = hex.DecodeString(key)
	return e, err
}

// Endpoint implements catalog.Catalog.
func (c *Catalog) Endpoint(ctx context.Context, id string) (catalog.Endpoint, error) {
	e, err := scanEndpoint(c.read.QueryRowContext(ctx, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1`, id))
	return e, found("endpoint "+id, err)
}

// Endpoints implements catalog.Catalog.
func (c *Catalog) Endpoints(ctx context.Context, site, after string, limit int) ([]catalog.Endpoint, error) {
	return list(ctx, c.read, func(r *sql.Rows) (catalog.Endpoint, error) { return scanEndpoint(r) },
		`SELECT `+endpointColumns+` FROM endpoints WHERE ($1 = '' OR site = $1) AND id > $2 ORDER BY id LIMIT $3`,
		site, after, page(limit))
}

// Seen implements catalog.Catalog.
func (c *Catalog) Seen(ctx context.Context, seen map[string]time.Time) error {
	err := c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for id, t := range seen {
			if _, err := tx.ExecContext(ctx, `UPDATE endpoints SET last_seen = $1 WHERE id = $2 AND last_seen < $1`, ms(t), id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note endpoints seen: %w", err)
	}
	return nil
}

// Meta implements catalog.Catalog.
func (c *Catalog) Meta(ctx context.Context, key string) (value string, err error) {
	err = c.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = $1`, key).Scan(&value)
	return value, found("setting "+key, err)
}

// SetMeta implements catalog.Catalog.
func (c *Catalog) SetMeta(ctx context.Context, key, value string) error {
	if key == generationKey || key == headKey {
		return fmt.Errorf("setting %s is the catalog's own", key)
	}
	err := c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ($1, $2)
			ON CONFLICT (key) DO UPDATE SET value = $2`, key, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep setting %s: %w", key, err)
	}
	return nil
}

// Note implements catalog.Catalog.
func (c *Catalog) Note(ctx context.Context, by, action, target, detail string) error {
	return c.change(ctx, by, action, target, detail, func(context.Context, *sql.Tx) error { return nil })
}
