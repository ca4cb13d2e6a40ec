package relational

import (
	"database/sql"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Measured is told how long an operation of the catalog took: a change from when it was its
// turn until it was committed, a query until it was read, or (of one row) answered. Of changes
// that are made together each takes until it was made, and Together until all were committed.
type Measured func(operation string, took time.Duration)

// meter tells how long operations took. Its zero value tells nobody.
type meter struct{ tell atomic.Pointer[Measured] }

// Measure has operations measured from now on. Operations are methods of the catalog.
func (c *Catalog) Measure(tell Measured) { c.read.meter.tell.Store(&tell) }

// Pools are the connections that read, and the one that writes.
func (c *Catalog) Pools() map[string]*sql.DB {
	return map[string]*sql.DB{"read": c.read.DB, "write": c.write}
}

// begin returns what is to be called when what its caller does for an operation is done.
func (m *meter) begin() func() {
	tell := m.tell.Load()
	if tell == nil {
		return func() {}
	}
	operation, began := operationOf(), time.Now()
	return func() { (*tell)(operation, time.Since(began)) }
}

// maxFrames is how far up the method of the catalog is looked for that is at work.
const maxFrames = 12

// methods are names of methods of the catalog by where they are in the program, and empty
// for what is none.
var methods sync.Map

// operationOf is the method of the catalog that is at work.
func operationOf() string {
	var callers [maxFrames]uintptr
	n := runtime.Callers(3, callers[:])
	for _, pc := range callers[:n] {
		name, known := methods.Load(pc)
		if !known {
			name = methodAt(pc)
			methods.Store(pc, name)
		}
		if name != "" {
			return name.(string)
		}
	}
	return "other"
}

// methodAt is the exported method of the catalog at a place in the program, if any.
func methodAt(pc uintptr) string {
	frames := runtime.CallersFrames([]uintptr{pc})
	for {
		frame, more := frames.Next()
		if _, method, is := strings.Cut(frame.Function, "relational.(*Catalog)."); is {
			method, _, _ = strings.Cut(method, ".")
			if method[0] >= 'A' && method[0] <= 'Z' {
				return method
			}
		}
		if !more {
			return ""
		}
	}
}
