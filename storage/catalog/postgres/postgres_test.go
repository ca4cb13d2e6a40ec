package postgres_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"testing"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/catalogtest"
	"github.com/sitecast/sitecast/storage/catalog/postgres"
	"github.com/sitecast/sitecast/storage/catalog/postgres/postgrestest"
	"github.com/sitecast/sitecast/storage/catalog/relational"
)

// database is the server that all tests of this package share.
var database *postgrestest.Server

func TestMain(m *testing.M) {
	var err error
	if database, err = postgrestest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "PostgreSQL is needed (make deps installs it):", err)
		if postgrestest.Optional(err) {
			return
		}
		os.Exit(1)
	}
	code := m.Run()
	if err := database.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func open(t *testing.T, at string) postgres.Catalog {
	t.Helper()
	c, err := postgres.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeIt(t, c) })
	return c
}

func closeIt(t *testing.T, c postgres.Catalog) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestCatalog(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) catalog.Catalog { return open(t, database.New(t)) })
}

func TestReopeningKeepsEverything(t *testing.T) {
	at := database.New(t)
	c := open(t, at)
	catalogtest.Fill(t, c)
	want := catalogtest.Read(t, c)
	closeIt(t, c)
	if got := catalogtest.Read(t, open(t, at)); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	at := database.New(t)
	first := open(t, at)
	if _, err := postgres.Open(t.Context(), at); !errors.Is(err, relational.ErrLocked) || errors.Is(err, catalog.ErrUnavailable) {
		t.Fatalf("got error %v, want %q", err, relational.ErrLocked)
	}
	open(t, database.New(t)) // another schema is another catalog
	catalogtest.Fill(t, first)
	closeIt(t, first)
	open(t, at)
}
