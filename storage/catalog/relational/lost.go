package relational

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/sitecast/sitecast/storage/catalog"
)

// Classes of states of SQL in which a connection is no more: an operator ended it or the
// database, and what came of a connection at all.
const (
	endedClass      = "57P"
	connectionClass = "08"
)

// lost says of a connection that broke in the middle of something that this may pass. What
// was to be changed then may have been: the database did not say.
func lost(err error) error {
	if err == nil || errors.Is(err, catalog.ErrUnavailable) || errors.Is(err, catalog.ErrLocked) || !broke(err) {
		return err
	}
	return fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
}

func broke(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return strings.HasPrefix(state.SQLState(), endedClass) || strings.HasPrefix(state.SQLState(), connectionClass)
	}
	if _, network := errors.AsType[*net.OpError](err); network {
		return true
	}
	for _, end := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	var unsent interface{ SafeToRetry() bool } // the driver's own connection was closed before
	return errors.As(err, &unsent) && unsent.SafeToRetry()
}
