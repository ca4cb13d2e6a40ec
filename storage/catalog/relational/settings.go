package relational

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// Kinds of who bears a tag.
const (
	taggedSite     = string(policy.Site)
	taggedEndpoint = string(policy.Endpoint)
)

// The settings that a site shows as its own.
const siteSettings = `COALESCE((SELECT value FROM settings WHERE level = 'site' AND subject = sites.name AND key = 'wan_cap'), ''),
	COALESCE((SELECT value FROM settings WHERE level = 'site' AND subject = sites.name AND key = 'hold_off'), ''),
	COALESCE((SELECT value FROM settings WHERE level = 'site' AND subject = sites.name AND key = 'replicas'), ''),
	COALESCE((SELECT value FROM settings WHERE level = 'site' AND subject = sites.name AND key = 'peers_on'), '')`

// fillSite fills in what a site shows of its settings, in their order. What is not set is as
// by default.
func fillSite(s *catalog.Site, texts [4]string) error {
	values := policy.Values{}
	for i, key := range []string{policy.WANCap, policy.HoldOff, policy.Replicas, policy.PeersOn} {
		if texts[i] != "" {
			values[key] = texts[i]
		}
	}
	set, err := values.SiteSettings()
	s.Cap, s.HoldOffMs, s.Replicas, s.PeersOn = set.Cap, set.HoldOff.Milliseconds(), set.Replicas, append([]string{}, set.PeersOn...)
	return err
}

// firstSettings are those of a site that is created.
func firstSettings(s catalog.Site) (changes []policy.Assignment) {
	if s.Cap != catalog.NoCap {
		changes = append(changes, policy.Assignment{Key: policy.WANCap, Value: policy.WriteCap(s.Cap)})
	}
	if s.HoldOffMs != 0 {
		changes = append(changes, policy.Assignment{Key: policy.HoldOff, Value: fmt.Sprint(s.HoldOffMs, "ms")})
	}
	if s.Replicas != 0 {
		changes = append(changes, policy.Assignment{Key: policy.Replicas, Value: fmt.Sprint(s.Replicas)})
	}
	if len(s.PeersOn) != 0 {
		changes = append(changes, policy.Assignment{Key: policy.PeersOn, Value: policy.WriteNetworks(s.PeersOn)})
	}
	return changes
}

// setOfSite sets one setting of a site.
func (c *Catalog) setOfSite(ctx context.Context, by, action, site, key, value string) error {
	return c.changeSettings(ctx, by, action, site, policy.Scope{Level: policy.Site, Subject: site}, []policy.Assignment{{Key: key, Value: value}})
}

// ChangeSettings implements catalog.Catalog.
func (c *Catalog) ChangeSettings(ctx context.Context, by string, scope policy.Scope, changes []policy.Assignment) error {
	changes, err := policy.CheckChanges(scope, changes)
	if err != nil {
		return err
	}
	return c.changeSettings(ctx, by, "settings", scope.String(), scope, changes)
}

func (c *Catalog) changeSettings(ctx context.Context, by, action, target string, scope policy.Scope, changes []policy.Assignment) error {
	return c.changeWith(ctx, by, action, target, func(ctx context.Context, tx *sql.Tx) (detail string, err error) {
		if err := exists(ctx, tx, scope); err != nil {
			return "", err
		}
		before, err := writeSettings(ctx, tx, scope, changes)
		if err != nil {
			return "", err
		}
		changed(ctx, some(before), some(values(changes)))
		_, err = raise(ctx, tx)
		return inWords(before, changes), err
	})
}

// values are the settings that changes set.
func values(changes []policy.Assignment) map[string]string {
	out := map[string]string{}
	for _, change := range changes {
		if change.Value != "" {
			out[change.Key] = change.Value
		}
	}
	return out
}

// some is a map for the audit log, nil where nothing is in it.
func some(values map[string]string) any {
	if len(values) == 0 {
		return nil
	}
	return values
}

// exists reports catalog.ErrNotFound for a scope that is of nobody.
func exists(ctx context.Context, tx *sql.Tx, scope policy.Scope) error {
	query := map[policy.Level]string{
		policy.Tag:      `SELECT COUNT(*) FROM tags WHERE name = $1`,
		policy.Site:     `SELECT COUNT(*) FROM sites WHERE name = $1`,
		policy.Endpoint: `SELECT COUNT(*) FROM endpoints WHERE id = $1`,
	}[scope.Level]
	if query == "" {
		return nil
	}
	var n int
	err := tx.QueryRowContext(ctx, query, scope.Subject).Scan(&n)
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	return found(scope.String(), err)
}

// writeSettings writes changes of a scope, and returns what was set before of what they
// change.
func writeSettings(ctx context.Context, tx *sql.Tx, scope policy.Scope, changes []policy.Assignment) (map[string]string, error) {
	was := map[string]string{}
	for _, change := range changes {
		var before string
		err := tx.QueryRowContext(ctx, `SELECT value FROM settings WHERE level = $1 AND subject = $2 AND key = $3`,
			string(scope.Level), scope.Subject, change.Key).Scan(&before)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if before != "" {
			was[change.Key] = before
		}
		if change.Value == "" {
			_, err = tx.ExecContext(ctx, `DELETE FROM settings WHERE level = $1 AND subject = $2 AND key = $3`,
				string(scope.Level), scope.Subject, change.Key)
		} else {
			_, err = tx.ExecContext(ctx, `INSERT INTO settings (level, subject, key, value) VALUES ($1, $2, $3, $4)
				ON CONFLICT (level, subject, key) DO UPDATE SET value = $4`, string(scope.Level), scope.Subject, change.Key, change.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	return was, nil
}

// inWords is what the audit log says of changes, given what was set before.
func inWords(was map[string]string, changes []policy.Assignment) string {
	var words []string
	for _, change := range changes {
		words = append(words, fmt.Sprintf("%s: %s -> %s", change.Key, orUnset(was[change.Key]), orUnset(change.Value)))
	}
	return strings.Join(words, ", ")
}

func orUnset(value string) string {
	if value == "" {
		return "not set"
	}
	return value
}

// ChangeTag implements catalog.Catalog.
func (c *Catalog) ChangeTag(ctx context.Context, by string, change policy.TagChange) error {
	if err := change.Check(); err != nil {
		return err
	}
	return c.changeWith(ctx, by, "tag", change.Name, func(ctx context.Context, tx *sql.Tx) (string, error) {
		before, err := readTag(ctx, tx, change.Name)
		if err != nil {
			return "", err
		}
		words, err := writeTag(ctx, tx, change)
		if err != nil {
			return "", err
		}
		for _, who := range []struct {
			kind      string
			add, less []string
		}{{taggedSite, change.AddSites, change.RemoveSites}, {taggedEndpoint, change.AddEndpoints, change.RemoveEndpoints}} {
			for _, subject := range who.add {
				if err := exists(ctx, tx, policy.Scope{Level: policy.Level(who.kind), Subject: subject}); err != nil {
					return "", err
				}
				if _, err := tx.ExecContext(ctx, `INSERT INTO tagged (tag, kind, subject) VALUES ($1, $2, $3) ON CONFLICT (tag, kind, subject) DO NOTHING`,
					change.Name, who.kind, subject); err != nil {
					return "", err
				}
				words = append(words, "+ "+who.kind+" "+subject)
			}
			for _, subject := range who.less {
				if _, err := tx.ExecContext(ctx, `DELETE FROM tagged WHERE tag = $1 AND kind = $2 AND subject = $3`, change.Name, who.kind, subject); err != nil {
					return "", err
				}
				words = append(words, "- "+who.kind+" "+subject)
			}
		}
		after, err := readTag(ctx, tx, change.Name)
		if err != nil {
			return "", err
		}
		changed(ctx, before, after)
		_, err = raise(ctx, tx)
		return strings.Join(words, ", "), err
	})
}

// writeTag makes a tag, or changes its priority, and says so.
func writeTag(ctx context.Context, tx *sql.Tx, change policy.TagChange) (words []string, err error) {
	var before int
	err = tx.QueryRowContext(ctx, `SELECT priority FROM tags WHERE name = $1`, change.Name).Scan(&before)
	fresh := errors.Is(err, sql.ErrNoRows)
	if err != nil && !fresh {
		return nil, err
	}
	after := before
	if change.Priority != nil {
		after = *change.Priority
	}
	if !fresh && before == after {
		return nil, nil
	}
	words = []string{fmt.Sprintf("priority: %d -> %d", before, after)}
	if fresh {
		words = []string{fmt.Sprintf("new, priority %d", after)}
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM tags`).Scan(&n); err != nil {
			return nil, err
		}
		if n >= policy.MaxTags {
			return nil, fmt.Errorf("there are %d tags, which is the limit: %w", n, catalog.ErrConflict)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO tags (name, priority) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET priority = $2`, change.Name, after)
	return words, err
}

// DropTag implements catalog.Catalog.
func (c *Catalog) DropTag(ctx context.Context, by, name string) error {
	return c.changeWith(ctx, by, "drop tag", name, func(ctx context.Context, tx *sql.Tx) (string, error) {
		before, err := readTag(ctx, tx, name)
		if err != nil {
			return "", found("tag "+name, err)
		}
		changed(ctx, before, nil)
		var bearers, settings int64
		for _, step := range []struct {
			statement string
			n         *int64
		}{{`DELETE FROM tagged WHERE tag = $1`, &bearers}, {`DELETE FROM settings WHERE level = 'tag' AND subject = $1`, &settings}} {
			res, err := tx.ExecContext(ctx, step.statement, name)
			if err != nil {
				return "", found("tag "+name, err)
			}
			if *step.n, err = res.RowsAffected(); err != nil {
				return "", err
			}
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM tags WHERE name = $1`, name)
		if err := changedOne(res, err, fmt.Errorf("tag %s: %w", name, catalog.ErrNotFound)); err != nil {
			return "", err
		}
		_, err = raise(ctx, tx)
		return fmt.Sprintf("%d sites and endpoints bore it, %d settings", bearers, settings), err
	})
}

// concerns says of which tags, endpoints and settings a site's book is made; $1 is the site,
// or empty for all. Who roams may be at any.
const (
	endpointsOf = `(SELECT id FROM endpoints WHERE site = $1 OR roaming = 1)`
	tagsOf      = `($1 = '' OR name IN (SELECT tag FROM tagged WHERE kind = 'site' AND subject = $1 OR kind = 'endpoint' AND subject IN ` + endpointsOf + `))`
	taggedOf    = `($1 = '' OR kind = 'site' AND subject = $1 OR kind = 'endpoint' AND subject IN ` + endpointsOf + `)`
	settingsOf  = `($1 = '' OR level = 'organisation' OR level = 'site' AND subject = $1 OR level = 'endpoint' AND subject IN ` + endpointsOf + `
		OR level = 'tag' AND subject IN (SELECT name FROM tags WHERE ` + tagsOf + `))`
)

// Policy implements catalog.Catalog.
func (c *Catalog) Policy(ctx context.Context, site string) (*policy.Book, error) {
	settings, err := list(ctx, c.read, func(r *sql.Rows) (s policy.Setting, err error) {
		err = r.Scan(&s.Level, &s.Subject, &s.Key, &s.Value)
		// A migration may have written it in another unit.
		if k, unknown := policy.Find(s.Key); unknown == nil {
			if kept, bad := k.Parse(s.Value); bad == nil {
				s.Value = kept
			}
		}
		return s, err
	}, `SELECT level, subject, key, value FROM settings WHERE `+settingsOf+` ORDER BY level, subject, key`, site)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	tags, err := list(ctx, c.read, func(r *sql.Rows) (t policy.Tagged, err error) {
		t.Sites, t.Endpoints = []string{}, []string{}
		err = r.Scan(&t.Name, &t.Priority)
		return t, err
	}, `SELECT name, priority FROM tags WHERE `+tagsOf+` ORDER BY name`, site)
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	type bearer struct{ tag, kind, subject string }
	bearers, err := list(ctx, c.read, func(r *sql.Rows) (b bearer, err error) {
		err = r.Scan(&b.tag, &b.kind, &b.subject)
		return b, err
	}, `SELECT tag, kind, subject FROM tagged WHERE `+taggedOf+` ORDER BY tag, kind, subject`, site)
	if err != nil {
		return nil, fmt.Errorf("read who bears tags: %w", err)
	}
	for _, b := range bearers {
		i := slices.IndexFunc(tags, func(t policy.Tagged) bool { return t.Name == b.tag })
		switch {
		case i < 0: // it was made since tags were read
		case b.kind == taggedSite:
			tags[i].Sites = append(tags[i].Sites, b.subject)
		default:
			tags[i].Endpoints = append(tags[i].Endpoints, b.subject)
		}
	}
	return policy.NewBook(settings, tags), nil
}

// KeepSpent implements catalog.Catalog.
func (c *Catalog) KeepSpent(ctx context.Context, site string, s catalog.Spent) error {
	err := c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO spent (site, month, bytes) SELECT name, $2, $3 FROM sites WHERE name = $1
			ON CONFLICT (site) DO UPDATE SET month = $2, bytes = $3`, site, s.Month, s.Bytes)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep what %s took over the WAN: %w", site, err)
	}
	return nil
}

// Spent implements catalog.Catalog.
func (c *Catalog) Spent(ctx context.Context, site string) (s catalog.Spent, err error) {
	err = c.read.QueryRowContext(ctx, `SELECT month, bytes FROM spent WHERE site = $1`, site).Scan(&s.Month, &s.Bytes)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return s, err
}
