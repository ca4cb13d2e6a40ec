package history

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// errCorrupt means that bytes are none that were written here.
var errCorrupt = errors.New("history is damaged")

// Limits of what is read.
const (
	// maxKeyBytes bounds the name of a site, and the key of a row in it.
	maxKeyBytes = 1 << 10
	// maxColumns bounds the members of a row.
	maxColumns = 256
	// maxValueBytes bounds one member of a row.
	maxValueBytes = 8 << 20
)

// The kinds of a column. Their numbers are in files.
const (
	figure = 'i' // a whole number or a truth: the difference to what it was before
	other  = 'j' // JSON
)

// shape is how rows of a type are written: member by member, and of those that were there
// before only what changed. Files name the members, so one that came or went between two
// releases is passed over.
type shape[T any] struct {
	columns []column // of T, in the order of its members
}

// column is a member of a row.
type column struct {
	name  string // as JSON has it
	kind  byte
	field int // of the struct; -1: this release has none like it
}

// shapeOf looks at a struct.
func shapeOf[T any]() *shape[T] {
	s, of := new(shape[T]), reflect.TypeFor[T]()
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		kind := byte(other)
		switch f.Type.Kind() {
		case reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64:
			kind = figure
		default:
		}
		s.columns = append(s.columns, column{name, kind, i})
	}
	return s
}

// appendColumns writes what members there are.
func (s *shape[T]) appendColumns(out []byte) []byte {
	out = binary.AppendUvarint(out, uint64(len(s.columns)))
	for _, c := range s.columns {
		out = appendText(append(out, c.kind), c.name)
	}
	return out
}

// readColumns reads them, and finds each in this release.
func (s *shape[T]) readColumns(in *input) ([]column, error) {
	n, err := in.number(maxColumns)
	if err != nil {
		return nil, err
	}
	out := make([]column, n)
	for i := range out {
		kind, err := in.byte()
		if err != nil {
			return nil, err
		}
		name, err := in.text(maxKeyBytes)
		if err != nil {
			return nil, err
		}
		if kind != figure && kind != other {
			return nil, fmt.Errorf("a member of kind %d: %w", kind, errCorrupt)
		}
		out[i] = column{name, kind, -1}
		if at := slices.IndexFunc(s.columns, func(c column) bool { return c.name == name && c.kind == kind }); at >= 0 {
			out[i].field = s.columns[at].field
		}
	}
	return out, nil
}

// appendDiff writes what is another than it was.
func (s *shape[T]) appendDiff(out []byte, was, now *T) ([]byte, error) {
	before, after := reflect.ValueOf(was).Elem(), reflect.ValueOf(now).Elem()
	head, n := len(out), byte(0)
	out = append(out, 0) // how many there are: at most maxColumns
	for i, c := range s.columns {
		a, b := before.Field(c.field), after.Field(c.field)
		if c.kind == figure {
			if d := whole(b) - whole(a); d != 0 {
				out = binary.AppendVarint(append(out, byte(i)), d)
				n++
			}
			continue
		}
		if a.Kind() == reflect.String && a.String() == b.String() || reflect.DeepEqual(a.Interface(), b.Interface()) {
			continue
		}
		text, err := json.Marshal(b.Interface())
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", c.name, err)
		}
		if len(text) > maxValueBytes {
			return nil, fmt.Errorf("%s has %d bytes, limit %d", c.name, len(text), maxValueBytes)
		}
		out = appendText(append(out, byte(i)), string(text))
		n++
	}
	out[head] = n
	return out, nil
}

// Row is a flow or an endpoint as it was, member by member: it is put together when it is
// looked at, as of what is read for a moment most is not, or is another a step later.
type Row struct {
	Key    string
	values []value // by column
}

// value is what a member is: a figure, or JSON. Nobody changes the text.
type value struct {
	n    int64
	text string
}

// readDiff changes a row to what it is then.
func (r *Row) readDiff(in *input, columns []column) error {
	n, err := in.byte()
	if err != nil {
		return err
	}
	for range n {
		at, err := in.byte()
		if err != nil {
			return err
		}
		if int(at) >= len(columns) {
			return fmt.Errorf("member %d of %d: %w", at, len(columns), errCorrupt)
		}
		if columns[at].kind == figure {
			d, err := in.difference()
			if err != nil {
				return err
			}
			r.values[at].n += d
			continue
		}
		if r.values[at].text, err = in.text(maxValueBytes); err != nil {
			return err
		}
	}
	return nil
}

// view puts a row together.
func (s *shape[T]) view(columns []column, r Row) (out T, err error) {
	into := reflect.ValueOf(&out).Elem()
	for i, c := range columns {
		v := r.values[i]
		switch {
		case c.field < 0:
		case c.kind == figure:
			setWhole(into.Field(c.field), v.n)
		case v.text != "":
			if err := json.Unmarshal([]byte(v.text), into.Field(c.field).Addr().Interface()); err != nil {
				return out, fmt.Errorf("member %s: %w: %w", c.name, err, errCorrupt)
			}
		}
	}
	return out, nil
}

// whole is a figure as its bits.
func whole(v reflect.Value) int64 {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return int64(v.Uint())
	case v.Bool():
		return 1
	}
	return 0
}

// setWhole is its reverse. What does not fit is cut, as only damage would have it.
func setWhole(v reflect.Value, n int64) {
	switch {
	case v.CanInt():
		v.SetInt(n)
	case v.CanUint():
		v.SetUint(uint64(n))
	default:
		v.SetBool(n != 0)
	}
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

// input is what is left to be read. Nothing is taken that is not there.
type input struct{ rest []byte }

func (in *input) byte() (byte, error) {
	if len(in.rest) == 0 {
		return 0, fmt.Errorf("it ends too soon: %w", errCorrupt)
	}
	b := in.rest[0]
	in.rest = in.rest[1:]
	return b, nil
}

func (in *input) number(most int) (int, error) {
	n, size := binary.Uvarint(in.rest)
	if size <= 0 || n > uint64(most) {
		return 0, fmt.Errorf("a number is above %d, or none: %w", most, errCorrupt)
	}
	in.rest = in.rest[size:]
	return int(n), nil
}

func (in *input) difference() (int64, error) {
	d, size := binary.Varint(in.rest)
	if size <= 0 {
		return 0, fmt.Errorf("no number: %w", errCorrupt)
	}
	in.rest = in.rest[size:]
	return d, nil
}

func (in *input) bytes(most int) ([]byte, error) {
	n, err := in.number(min(most, len(in.rest)))
	if err != nil {
		return nil, err
	}
	if n > len(in.rest) {
		return nil, fmt.Errorf("it ends too soon: %w", errCorrupt)
	}
	out := in.rest[:n]
	in.rest = in.rest[n:]
	return out, nil
}

func (in *input) text(most int) (string, error) {
	out, err := in.bytes(most)
	return string(out), err
}
