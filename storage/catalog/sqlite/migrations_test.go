package sqlite_test

import (
	"os"
	"testing"

	"github.com/sitecast/sitecast/storage/catalog/catalogtest"
)

func TestMigrationsSayWhetherTheyOnlyAdd(t *testing.T) { catalogtest.Migrations(t, os.DirFS(".")) }
