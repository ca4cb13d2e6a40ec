package host

import (
	"context"
	"errors"

	"github.com/godbus/dbus/v5"
)

// service is a program on the bus, and its main object.
type service struct {
	name, face string
	path       dbus.ObjectPath
}

var (
	networkManager = service{"org.freedesktop.NetworkManager", "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"}
	logind         = service{"org.freedesktop.login1", "org.freedesktop.login1.Manager", "/org/freedesktop/login1"}
)

// bus asks programs of this computer over its D-Bus. A connection that broke is made
// anew by the next question.
type bus struct {
	address string // empty: that of the system
	conn    *dbus.Conn
}

// get asks a program for a property; nil where it does not run or does not know. Nothing
// is started to be asked.
func (b *bus) get(ctx context.Context, s service, property string) any {
	if b.conn == nil {
		var err error
		if b.address == "" {
			b.conn, err = dbus.ConnectSystemBus()
		} else {
			b.conn, err = dbus.Connect(b.address)
		}
		if err != nil {
			b.conn = nil
			return nil
		}
	}
	var value dbus.Variant
	err := b.conn.Object(s.name, s.path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get",
		dbus.FlagNoAutoStart, s.face, property).Store(&value)
	if told := new(dbus.Error); err != nil && !errors.As(err, told) {
		b.close()
	}
	if err != nil {
		return nil
	}
	return value.Value()
}

func (b *bus) close() {
	if b.conn != nil {
		_ = b.conn.Close() // nobody waits for anything of it
		b.conn = nil
	}
}
