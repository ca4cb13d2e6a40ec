package relational

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// reader is what rows are read with.
type reader interface {
	querier
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readers are the connections that read.
type readers struct {
	*sql.DB
	prepared *statements
	meter    meter
}

// of is what a context reads with: who changed something together with what follows reads
// where it did that.
func (r *readers) of(ctx context.Context) reader {
	if u := unitOf(ctx); u != nil && u.tx != nil {
		return u.tx
	}
	if r.prepared != nil {
		return r.prepared
	}
	return r.DB
}

// QueryContext implements querier.
func (r *readers) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	defer r.meter.begin()()
	return r.of(ctx).QueryContext(ctx, query, args...)
}

// QueryRowContext is that of the database.
func (r *readers) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	defer r.meter.begin()()
	return r.of(ctx).QueryRowContext(ctx, query, args...)
}

// maxStatements bounds the statements that are kept prepared, and maxStatementBytes each.
// Those of lists are as many as there are filters, and some name hundreds of rows.
const (
	maxStatements     = 256
	maxStatementBytes = 4 << 10
)

// statements keeps statements prepared, the first there are. SQLite takes longer to
// understand one than to answer it, and what is wanted of each site is read with the same
// few. (The driver of PostgreSQL keeps them itself.)
type statements struct {
	db *sql.DB

	// mu guards the rest.
	mu   sync.RWMutex
	kept map[string]*sql.Stmt
}

func newStatements(schema Schema, db *sql.DB) *statements {
	if schema.Dialect != "sqlite3" {
		return nil
	}
	return &statements{db: db, kept: map[string]*sql.Stmt{}}
}

// get returns a statement; nil where it is asked without.
func (s *statements) get(ctx context.Context, query string) *sql.Stmt {
	s.mu.RLock()
	kept, full := s.kept[query], s.kept == nil || len(s.kept) >= maxStatements
	s.mu.RUnlock()
	if kept != nil || full || len(query) > maxStatementBytes {
		return kept
	}
	made, err := s.db.PrepareContext(ctx, query)
	if err != nil {
		return nil // the query itself says what is wrong
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept = s.kept[query]
	if kept != nil || s.kept == nil || len(s.kept) >= maxStatements { // others were faster
		_ = made.Close()
		return kept
	}
	s.kept[query] = made
	return made
}

func (s *statements) close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, stmt := range s.kept {
		err = errors.Join(err, stmt.Close())
	}
	s.kept = nil
	return err
}

func (s *statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := s.get(ctx, query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return s.db.QueryContext(ctx, query, args...)
}

func (s *statements) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := s.get(ctx, query); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return s.db.QueryRowContext(ctx, query, args...)
}
