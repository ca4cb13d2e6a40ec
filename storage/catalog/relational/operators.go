package relational

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// scopeText writes the sites of an account or token; none, which is all, is an empty text.
func scopeText(sites []string) (string, error) {
	if len(sites) == 0 {
		return "", nil
	}
	return listText(sites)
}

func readScope(text string) (sites []string, err error) {
	if text == "" {
		return nil, nil
	}
	return sites, json.Unmarshal([]byte(text), &sites)
}

// PutToken implements catalog.Catalog.
func (c *Catalog) PutToken(ctx context.Context, by string, t catalog.Token) error {
	sites, err := scopeText(t.Sites)
	if err != nil {
		return err
	}
	return c.change(ctx, by, "create token", t.Name, t.Role, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO tokens (hash, name, role, expires, sites, maker, created) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (hash) DO NOTHING`, hex.EncodeToString(t.Hash), t.Name, t.Role, ms(t.Expires), sites, t.By, ms(t.Created))
		changed(ctx, nil, t)
		return changedOne(res, err, fmt.Errorf("the hash is taken: %w", catalog.ErrConflict))
	})
}

const tokenColumns = `hash, name, role, expires, sites, maker, created, used`

func scanToken(row interface{ Scan(...any) error }) (t catalog.Token, err error) {
	var hash, sites string
	var expires, created, used int64
	if err := row.Scan(&hash, &t.Name, &t.Role, &expires, &sites, &t.By, &created, &used); err != nil {
		return t, err
	}
	t.Expires, t.Created, t.Used = at(expires), at(created), at(used)
	if t.Sites, err = readScope(sites); err != nil {
		return t, err
	}
	t.Hash, err = hex.DecodeString(hash)
	return t, err
}

// Token implements catalog.Catalog.
func (c *Catalog) Token(ctx context.Context, hash []byte) (catalog.Token, error) {
	t, err := scanToken(c.read.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE hash = $1`, hex.EncodeToString(hash)))
	return t, found("token", err)
}

// Tokens implements catalog.Catalog.
func (c *Catalog) Tokens(ctx context.Context) ([]catalog.Token, error) {
	return list(ctx, c.read, func(r *sql.Rows) (catalog.Token, error) { return scanToken(r) },
		`SELECT `+tokenColumns+` FROM tokens ORDER BY name, hash`)
}

// RevokeToken implements catalog.Catalog.
func (c *Catalog) RevokeToken(ctx context.Context, by, id string) error {
	return c.change(ctx, by, "revoke token", id, "", func(ctx context.Context, tx *sql.Tx) error {
		t, err := scanToken(tx.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE substr(hash, 1, 16) = $1`, id))
		if err != nil {
			return found("token "+id, err)
		}
		changed(ctx, t, nil)
		_, err = tx.ExecContext(ctx, `DELETE FROM tokens WHERE hash = $1`, hex.EncodeToString(t.Hash))
		return err
	})
}

// TokenUsed implements catalog.Catalog.
func (c *Catalog) TokenUsed(ctx context.Context, hash []byte, at time.Time) error {
	return c.used(ctx, `UPDATE tokens SET used = $1 WHERE hash = $2 AND used < $1`, hash, at)
}

// SessionUsed implements catalog.Catalog.
func (c *Catalog) SessionUsed(ctx context.Context, hash []byte, at time.Time) error {
	return c.used(ctx, `UPDATE sessions SET used = $1 WHERE hash = $2 AND used < $1`, hash, at)
}

func (c *Catalog) used(ctx context.Context, update string, hash []byte, at time.Time) error {
	return c.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, update, ms(at), hex.EncodeToString(hash))
		return err
	})
}

const inviteColumns = `hash, name, role, sites, maker, created, expires`

func scanInvite(row interface{ Scan(...any) error }) (i catalog.Invite, err error) {
	var hash, sites string
	var created, expires int64
	if err := row.Scan(&hash, &i.Name, &i.Role, &sites, &i.By, &created, &expires); err != nil {
		return i, err
	}
	i.Created, i.Expires = at(created), at(expires)
	if i.Sites, err = readScope(sites); err != nil {
		return i, err
	}
	i.Hash, err = hex.DecodeString(hash)
	return i, err
}

// PutInvite implements catalog.Catalog.
func (c *Catalog) PutInvite(ctx context.Context, by string, i catalog.Invite) error {
	sites, err := scopeText(i.Sites)
	if err != nil {
		return err
	}
	return c.change(ctx, by, "invite operator", i.Name, i.Role, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM invites WHERE name = $1 OR expires <= $2`, i.Name, ms(time.Now())); err != nil {
			return err
		}
		i.By = by
		changed(ctx, nil, i)
		_, err := tx.ExecContext(ctx, `INSERT INTO invites (`+inviteColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			hex.EncodeToString(i.Hash), i.Name, i.Role, sites, by, ms(i.Created), ms(i.Expires))
		return err
	})
}

// Invite implements catalog.Catalog.
func (c *Catalog) Invite(ctx context.Context, hash []byte, now time.Time) (catalog.Invite, error) {
	i, err := scanInvite(c.read.QueryRowContext(ctx, `SELECT `+inviteColumns+` FROM invites WHERE hash = $1 AND expires > $2`,
		hex.EncodeToString(hash), ms(now)))
	return i, found("invitation", err)
}

// Accept implements catalog.Catalog.
func (c *Catalog) Accept(ctx context.Context, hash []byte, name, password string, now time.Time) (o catalog.Operator, err error) {
	i, err := c.Invite(ctx, hash, now)
	if err != nil {
		return o, err
	}
	if i.Name != "" {
		name = i.Name
	}
	o = catalog.Operator{Name: name, Role: i.Role, Sites: i.Sites, Password: password, Created: at(ms(now))}
	err = c.change(ctx, name, "accept invitation", name, "made by "+i.By, func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM invites WHERE hash = $1`, hex.EncodeToString(hash))
		if err := changedOne(res, err, fmt.Errorf("invitation: %w", catalog.ErrNotFound)); err != nil {
			return err // somebody else was faster
		}
		was, err := operatorIn(ctx, tx, name)
		switch {
		case errors.Is(err, catalog.ErrNotFound):
			changed(ctx, nil, o)
			return insertOperator(ctx, tx, o)
		case err != nil:
			return err
		case i.Name == "":
			return fmt.Errorf("an account has that name: %w", catalog.ErrConflict)
		}
		o.Created, o.LastLogin = was.Created, was.LastLogin
		changed(ctx, was, o)
		if err := updateOperator(ctx, tx, o, true); err != nil {
			return err
		}
		return leavesAnAdmin(ctx, tx, was)
	})
	return o, err
}

const operatorColumns = `name, title, role, sites, password, issuer, created, last_login`

func scanOperator(row interface{ Scan(...any) error }) (o catalog.Operator, err error) {
	var sites string
	var created, login int64
	if err := row.Scan(&o.Name, &o.Title, &o.Role, &sites, &o.Password, &o.Issuer, &created, &login); err != nil {
		return o, err
	}
	o.Created, o.LastLogin = at(created), at(login)
	o.Sites, err = readScope(sites)
	return o, err
}

func operatorIn(ctx context.Context, tx *sql.Tx, name string) (catalog.Operator, error) {
	o, err := scanOperator(tx.QueryRowContext(ctx, `SELECT `+operatorColumns+` FROM operators WHERE name = $1`, name))
	return o, found("operator "+name, err)
}

func insertOperator(ctx context.Context, tx *sql.Tx, o catalog.Operator) error {
	sites, err := scopeText(o.Sites)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO operators (`+operatorColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		o.Name, o.Title, o.Role, sites, o.Password, o.Issuer, ms(o.Created), ms(o.LastLogin))
	return err
}

// updateOperator writes an account, and may end its sessions.
func updateOperator(ctx context.Context, tx *sql.Tx, o catalog.Operator, out bool) error {
	sites, err := scopeText(o.Sites)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE operators SET title = $1, role = $2, sites = $3, password = $4, last_login = $5 WHERE name = $6`,
		o.Title, o.Role, sites, o.Password, ms(o.LastLogin), o.Name); err != nil {
		return err
	}
	if out {
		_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE operator = $1`, o.Name)
	}
	return err
}

// leavesAnAdmin refuses to take an admin of all sites away that is the last account of
// its kind. API tokens do not count: they are for programs.
func leavesAnAdmin(ctx context.Context, tx *sql.Tx, was catalog.Operator) error {
	if was.Role != catalog.RoleAdmin || len(was.Sites) > 0 {
		return nil
	}
	var admins int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM operators WHERE role = $1 AND sites = ''`, catalog.RoleAdmin).Scan(&admins)
	if err == nil && admins == 0 {
		err = fmt.Errorf("it would leave no account that is an admin of all sites: %w", catalog.ErrConflict)
	}
	return err
}

// Operator implements catalog.Catalog.
func (c *Catalog) Operator(ctx context.Context, name string) (catalog.Operator, error) {
	o, err := scanOperator(c.read.QueryRowContext(ctx, `SELECT `+operatorColumns+` FROM operators WHERE name = $1`, name))
	return o, found("operator "+name, err)
}

// Operators implements catalog.Catalog.
func (c *Catalog) Operators(ctx context.Context) ([]catalog.Operator, error) {
	return list(ctx, c.read, func(r *sql.Rows) (catalog.Operator, error) { return scanOperator(r) },
		`SELECT `+operatorColumns+` FROM operators ORDER BY name`)
}

// ChangeOperator implements catalog.Catalog.
func (c *Catalog) ChangeOperator(ctx context.Context, by, name, role string, sites []string) error {
	return c.change(ctx, by, "change operator", name, role, func(ctx context.Context, tx *sql.Tx) error {
		was, err := operatorIn(ctx, tx, name)
		if err != nil {
			return err
		}
		o := was
		o.Role, o.Sites = role, sites
		changed(ctx, was, o)
		if err := updateOperator(ctx, tx, o, false); err != nil {
			return err
		}
		return leavesAnAdmin(ctx, tx, was)
	})
}

// SetPassword implements catalog.Catalog.
func (c *Catalog) SetPassword(ctx context.Context, by, name, password string) error {
	return c.change(ctx, by, "change password", name, "", func(ctx context.Context, tx *sql.Tx) error {
		o, err := operatorIn(ctx, tx, name)
		if err != nil {
			return err
		}
		o.Password = password
		return updateOperator(ctx, tx, o, true)
	})
}

// RemoveOperator implements catalog.Catalog.
func (c *Catalog) RemoveOperator(ctx context.Context, by, name string) error {
	return c.change(ctx, by, "remove operator", name, "", func(ctx context.Context, tx *sql.Tx) error {
		was, err := operatorIn(ctx, tx, name)
		if err != nil {
			return err
		}
		changed(ctx, was, nil)
		for _, statement := range []string{`DELETE FROM sessions WHERE operator = $1`, `DELETE FROM invites WHERE name = $1`, `DELETE FROM operators WHERE name = $1`} {
			if _, err := tx.ExecContext(ctx, statement, name); err != nil {
				return err
			}
		}
		return leavesAnAdmin(ctx, tx, was)
	})
}

// Vouched implements catalog.Catalog. It is audited where it changes something.
func (c *Catalog) Vouched(ctx context.Context, o catalog.Operator) error {
	was, err := c.Operator(ctx, o.Name)
	same := func(a, b []string) bool { x, _ := scopeText(a); y, _ := scopeText(b); return x == y }
	switch {
	case err != nil && !errors.Is(err, catalog.ErrNotFound):
		return err
	case err == nil && was.Issuer != o.Issuer:
		return fmt.Errorf("account %s is of another issuer: %w", o.Name, catalog.ErrConflict)
	case err == nil && was.Role == o.Role && was.Title == o.Title && same(was.Sites, o.Sites):
		return nil
	}
	return c.change(ctx, o.Issuer, "vouch for operator", o.Name, o.Title, func(ctx context.Context, tx *sql.Tx) error {
		was, err := operatorIn(ctx, tx, o.Name)
		if errors.Is(err, catalog.ErrNotFound) {
			o.Created = at(ms(time.Now()))
			changed(ctx, nil, o)
			return insertOperator(ctx, tx, o)
		}
		if err != nil {
			return err
		}
		o.Created, o.LastLogin = was.Created, was.LastLogin
		changed(ctx, was, o)
		return updateOperator(ctx, tx, o, false)
	})
}

// Begin implements catalog.Catalog.
func (c *Catalog) Begin(ctx context.Context, s catalog.Session) error {
	return c.change(ctx, s.Operator, "log in", s.Operator, "", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE used <= $1 OR created <= $2`,
			ms(s.Created.Add(-catalog.SessionIdle)), ms(s.Created.Add(-catalog.SessionLife))); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE operators SET last_login = $1 WHERE name = $2`, ms(s.Created), s.Operator)
		if err := changedOne(res, err, fmt.Errorf("operator %s: %w", s.Operator, catalog.ErrNotFound)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO sessions (hash, operator, created, used) VALUES ($1, $2, $3, $4)`,
			hex.EncodeToString(s.Hash), s.Operator, ms(s.Created), ms(s.Used))
		return err
	})
}

// Session implements catalog.Catalog.
func (c *Catalog) Session(ctx context.Context, hash []byte, now time.Time) (s catalog.Session, o catalog.Operator, err error) {
	s.Hash = bytes.Clone(hash)
	var created, used int64
	err = c.read.QueryRowContext(ctx, `SELECT operator, created, used FROM sessions WHERE hash = $1`, hex.EncodeToString(hash)).
		Scan(&s.Operator, &created, &used)
	if err != nil {
		return s, o, found("session", err)
	}
	if s.Created, s.Used = at(created), at(used); s.Ended(now) {
		return s, o, fmt.Errorf("session: %w", catalog.ErrNotFound)
	}
	o, err = c.Operator(ctx, s.Operator)
	return s, o, err
}

// EndSession implements catalog.Catalog.
func (c *Catalog) EndSession(ctx context.Context, hash []byte) error {
	s, _, err := c.Session(ctx, hash, time.Time{})
	if err != nil {
		return err
	}
	return c.change(ctx, s.Operator, "log out", s.Operator, "", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE hash = $1`, hex.EncodeToString(hash))
		return err
	})
}
