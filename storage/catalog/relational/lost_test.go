package relational

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/sitecast/sitecast/storage/catalog"
)

// refused is an error of a database.
type refused string

func (r refused) Error() string    { return "refused with " + string(r) }
func (r refused) SQLState() string { return string(r) }

func TestAConnectionThatBreaksMayComeBack(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errors.New("no such column"), false}, {refused("23505"), false}, {catalog.ErrConflict, false}, {catalog.ErrLocked, false},
		{refused("57P01"), true}, {refused("08006"), true}, {driver.ErrBadConn, true}, {io.ErrUnexpectedEOF, true},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, true}, {catalog.ErrUnavailable, true},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("create site: %w", err)
		}
		if got := errors.Is(lost(err), catalog.ErrUnavailable); got != c.want || !errors.Is(lost(err), c.err) {
			t.Errorf("%v: unavailable %v, want %v", c.err, got, c.want)
		}
	}
}
