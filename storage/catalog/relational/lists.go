package relational

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/sitecast/sitecast/storage/catalog"
)

// clause collects the conditions of a query. Their text is ours, and every value of a
// caller's is a parameter. A condition that selects nothing is left out, and not made
// true, so that the database plans with what is there.
type clause struct {
	conds []string
	args  []any
}

// add adds a condition, in which each "?" stands for the value.
func (c *clause) add(cond string, value any) {
	c.args = append(c.args, value)
	c.conds = append(c.conds, strings.ReplaceAll(cond, "?", "$"+strconv.Itoa(len(c.args))))
}

// equal adds that a column has a value, unless that is empty.
func (c *clause) equal(column, value string) {
	if value != "" {
		c.add(column+" = ?", value)
	}
}

// within adds a condition in which ? stands for all of some values.
func (c *clause) within(cond string, values []string) {
	numbers := make([]string, len(values))
	for i, value := range values {
		c.args = append(c.args, value)
		numbers[i] = "$" + strconv.Itoa(len(c.args))
	}
	c.conds = append(c.conds, strings.Replace(cond, "?", strings.Join(numbers, ", "), 1))
}

// prefix adds that names begin with a text. They are of ASCII, so what begins with it
// comes before the text with the last character of that behind it.
func (c *clause) prefix(column, text string) {
	if text != "" {
		c.add(column+" >= ?", text)
		c.add(column+" < ?", text+"\x7f")
	}
}

// holds adds that one of the columns has a text in it.
func (c *clause) holds(text string, columns ...string) {
	if text == "" {
		return
	}
	if strings.ContainsRune(text, 0) { // no row has that, and a pattern would end there
		c.conds = append(c.conds, "1 = 0")
		return
	}
	conds := make([]string, len(columns))
	for i, column := range columns {
		conds[i] = `LOWER(` + column + `) LIKE ? ESCAPE '\'`
	}
	c.add("("+strings.Join(conds, " OR ")+")", "%"+literal.Replace(lower(text))+"%")
}

// literal writes text as a pattern that matches nothing else.
var literal = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// lower is what LOWER is in both databases: of ASCII letters.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// where is the clause, with a space before it.
func (c *clause) where() string {
	if len(c.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.conds, " AND ")
}

// limit adds the length of a page as the last parameter.
func (c *clause) limit(n int) string {
	c.args = append(c.args, page(n))
	return " LIMIT $" + strconv.Itoa(len(c.args))
}

// rowsOf reads the rows that a clause selects; order is all behind it but the limit.
func rowsOf[T any](ctx context.Context, c *Catalog, scan func(*sql.Rows) (T, error), query string, where clause, order string, limit int) ([]T, error) {
	text := query + where.where() + order + where.limit(limit)
	return possible(list(ctx, c.read, scan, text, where.args...))
}

// possible turns the refusal of text that no row can hold into a list of none.
func possible[T any](rows []T, err error) ([]T, error) {
	if err = found("row", err); errors.Is(err, catalog.ErrNotFound) {
		return []T{}, nil
	}
	return rows, err
}

// FindSites implements catalog.Lists.
func (c *Catalog) FindSites(ctx context.Context, q catalog.SitesQuery) ([]catalog.Site, error) {
	var where clause
	where.add("name > ?", q.After)
	where.prefix("name", q.Prefix)
	return rowsOf(ctx, c, func(r *sql.Rows) (catalog.Site, error) { return scanSite(r) },
		`SELECT `+siteColumns+` FROM sites`, where, ` ORDER BY name`, q.Limit)
}

// SiteNames implements catalog.Lists.
func (c *Catalog) SiteNames(ctx context.Context, from string, limit int) ([]string, error) {
	var where clause
	where.add("name >= ?", from)
	return rowsOf(ctx, c, func(r *sql.Rows) (name string, err error) { return name, r.Scan(&name) },
		`SELECT name FROM sites`, where, ` ORDER BY name`, limit)
}

// FindEndpoints implements catalog.Lists.
func (c *Catalog) FindEndpoints(ctx context.Context, q catalog.EndpointsQuery) ([]catalog.Endpoint, error) {
	var where clause
	where.add("id > ?", q.After)
	where.equal("site", q.Site)
	where.equal("device", q.Device)
	where.holds(q.Text, "name", "device")
	return rowsOf(ctx, c, func(r *sql.Rows) (catalog.Endpoint, error) { return scanEndpoint(r) },
		`SELECT `+endpointColumns+` FROM endpoints`, where, ` ORDER BY id`, q.Limit)
}

// versionColumns are those that are read of a version in a list. What comes behind them in a
// row of SQLite lies behind where the chunks lie, which may be long.
const versionColumns = `serial, name, version, id, head, body`

func scanVersion(scan func(...any) error, more ...any) (v catalog.Version, err error) {
	var id, head, body string
	if err := scan(append([]any{&v.Serial, &v.Name, &v.Version, &id, &head, &body}, more...)...); err != nil {
		return v, err
	}
	v.Head = json.RawMessage(head)
	return v, errors.Join(v.ID.UnmarshalText([]byte(id)), v.Body.UnmarshalText([]byte(body)))
}

// Contents implements catalog.Lists.
func (c *Catalog) Contents(ctx context.Context, q catalog.ContentsQuery) ([]catalog.Content, error) {
	var where clause
	where.add("name > ?", q.After)
	where.prefix("name", q.Prefix)
	where.conds = append(where.conds, `head <> ''`)
	names := `SELECT name AS content, COUNT(*) AS published, MAX(serial) AS newest FROM versions` + where.where() +
		` GROUP BY name ORDER BY name` + where.limit(q.Limit)
	return possible(list(ctx, c.read, func(r *sql.Rows) (out catalog.Content, err error) {
		out.Newest, err = scanVersion(r.Scan, &out.Versions)
		out.Name = out.Newest.Name
		return out, err
	}, `SELECT `+versionColumns+`, published FROM (`+names+`) c JOIN versions ON serial = c.newest ORDER BY name`, where.args...))
}

// VersionsOf implements catalog.Lists.
func (c *Catalog) VersionsOf(ctx context.Context, name string, before uint64, limit int) ([]catalog.Version, error) {
	var where clause
	where.add("name = ?", name)
	where.conds = append(where.conds, `head <> ''`)
	if before > 0 {
		where.add("serial < ?", before)
	}
	return rowsOf(ctx, c, func(r *sql.Rows) (catalog.Version, error) { return scanVersion(r.Scan) },
		`SELECT `+versionColumns+` FROM versions`, where, ` ORDER BY serial DESC`, limit)
}

// FindDistributions implements catalog.Lists.
func (c *Catalog) FindDistributions(ctx context.Context, q catalog.DistributionsQuery) ([]catalog.Listed, error) {
	var where clause
	where.equal("d.name", q.Content)
	where.equal("d.version", q.Version)
	if len(q.Sites) > 0 {
		where.within(`(d.every = 1 OR d.id IN (SELECT distribution FROM distribution_sites WHERE site IN (?))
			OR d.id IN (SELECT distribution FROM aims WHERE target <> ''))`, q.Sites)
	}
	if q.Before > 0 {
		where.add("d.id < ?", q.Before)
	}
	rows, err := rowsOf(ctx, c, func(r *sql.Rows) (out catalog.Listed, err error) {
		out.Distribution, err = scanDistribution(r.Scan, &out.SiteCount)
		return out, err
	}, `SELECT `+distributionColumns+`, (SELECT COUNT(*) FROM distribution_sites r WHERE r.distribution = d.id)`+distributionTables,
		where, ` ORDER BY d.id DESC`, q.Limit)
	if err != nil {
		return nil, err
	}
	var all []*catalog.Distribution
	for i := range rows {
		all = append(all, &rows[i].Distribution)
	}
	return rows, aim(ctx, c.read, all...)
}

// Distribution implements catalog.Lists.
func (c *Catalog) Distribution(ctx context.Context, id int64) (catalog.Distribution, error) {
	d, err := scanDistribution(c.read.QueryRowContext(ctx, `SELECT `+distributionColumns+distributionTables+` WHERE d.id = $1`, id).Scan)
	if err != nil {
		return d, found("distribution "+strconv.FormatInt(id, 10), err)
	}
	if err := aim(ctx, c.read, &d); err != nil {
		return d, err
	}
	d.Sites, err = list(ctx, c.read, func(r *sql.Rows) (name string, err error) { return name, r.Scan(&name) },
		`SELECT site FROM distribution_sites WHERE distribution = $1 ORDER BY site`, id)
	return d, err
}

// FindAudit implements catalog.Lists.
func (c *Catalog) FindAudit(ctx context.Context, q catalog.AuditQuery) ([]catalog.Entry, error) {
	var where clause
	where.equal("who", q.By)
	where.equal("action", q.Action)
	where.holds(q.Text, "target")
	if q.Before > 0 {
		where.add("id < ?", q.Before)
	}
	if !q.Since.IsZero() {
		where.add("at >= ?", ms(q.Since))
	}
	if !q.Until.IsZero() {
		where.add("at < ?", ms(q.Until))
	}
	return rowsOf(ctx, c, scanEntry, `SELECT `+auditColumns+` FROM audit`, where, ` ORDER BY id DESC`, q.Limit)
}

// Counts implements catalog.Lists.
func (c *Catalog) Counts(ctx context.Context) (n catalog.Counts, err error) {
	err = c.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM sites), (SELECT COUNT(*) FROM endpoints),
		(SELECT COUNT(DISTINCT name) FROM versions WHERE head <> ''), (SELECT COUNT(*) FROM versions WHERE head <> '')`).
		Scan(&n.Sites, &n.Endpoints, &n.Contents, &n.Versions)
	return n, err
}
