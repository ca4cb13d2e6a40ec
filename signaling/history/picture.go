package history

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/site"
)

// Limits of a picture.
const (
	// maxRawBytes bounds what a step is before it is compressed.
	maxRawBytes = 256 << 20
	// maxRows bounds the flows and endpoints of a picture.
	maxRows = 1 << 20
)

// What became of a row. The numbers are in files.
const (
	rowGone    = 0
	rowNew     = 1 // all its members follow that are not zero
	rowChanged = 2 // those follow that are not as they were
)

var (
	flowShape     = shapeOf[site.FlowView]()
	endpointShape = shapeOf[site.EndpointView]()
)

// Picture is what sites showed at a moment. Nobody changes it.
type Picture struct {
	At    time.Time
	Sites map[string]*Shown

	flows, endpoints []column // of the file
}

// Shown is what one of them did: rows in the order of their keys.
type Shown struct {
	Flows     []Row[site.FlowView]
	Endpoints []Row[site.EndpointView]
}

func (s *Shown) rows() int {
	if s == nil {
		return 0
	}
	return len(s.Flows) + len(s.Endpoints)
}

// Row is a flow or an endpoint.
type Row[T any] struct {
	Key  string
	View T
}

// Names are the sites of the picture, in order.
func (p *Picture) Names() []string { return slices.Sorted(maps.Keys(p.Sites)) }

// lasting is a flow without what follows from the time, and with times as exact as is looked at.
func lasting(f site.FlowView) site.FlowView {
	f.Seconds, f.ETASeconds = 0, float64(int64(f.ETASeconds))
	f.Forecast = f.Forecast.Truncate(time.Second)
	return f
}

// lastingEndpoint is lasting for endpoints.
func lastingEndpoint(e site.EndpointView) site.EndpointView {
	e.LastSeen = time.Time{}
	return e
}

// appendStep writes what changed at all sites; from nothing it is the whole picture. Both are by name.
func appendStep(out []byte, was, now []*board.Shown, full bool) ([]byte, error) {
	if full {
		out, was = endpointShape.appendColumns(flowShape.appendColumns(out)), nil
	}
	var body []byte
	write := func(before, after *board.Shown) (err error) {
		if before == after {
			return nil
		}
		if body, err = appendSite(body[:0], before, after); err != nil || len(body) == 0 {
			return err
		}
		name := after.Site
		if name == "" {
			name = before.Site
		}
		out = append(binary.AppendUvarint(appendText(out, name), uint64(len(body))), body...)
		if len(out) > maxRawBytes {
			return fmt.Errorf("a step has more than %d bytes", maxRawBytes)
		}
		return nil
	}
	none := new(board.Shown)
	for _, after := range now {
		for len(was) > 0 && was[0].Site < after.Site { // a board forgets none, but who knows
			if err := write(was[0], none); err != nil {
				return nil, err
			}
			was = was[1:]
		}
		before := none
		if len(was) > 0 && was[0].Site == after.Site {
			before, was = was[0], was[1:]
		}
		if err := write(before, after); err != nil {
			return nil, err
		}
	}
	for _, before := range was {
		if err := write(before, none); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// appendSite writes what changed at one; nothing where nothing did.
func appendSite(out []byte, was, now *board.Shown) ([]byte, error) {
	flows, n, err := appendRows(out, flowShape, lasting, was.Flows, now.Flows)
	if err != nil {
		return nil, err
	}
	both, m, err := appendRows(flows, endpointShape, lastingEndpoint, was.Endpoints, now.Endpoints)
	if n+m == 0 {
		return out[:0], err
	}
	return both, err
}

// appendRows writes the rows that changed, behind their number.
func appendRows[T any](out []byte, s *shape[T], lasting func(T) T, was, now []board.Item[T]) (_ []byte, n int, err error) {
	var rows []byte
	gone := func(key string) { rows, n = append(appendText(rows, key), rowGone), n+1 }
	for _, item := range now {
		for len(was) > 0 && was[0].Key < item.Key {
			gone(was[0].Key)
			was = was[1:]
		}
		var before T
		what := byte(rowNew)
		if len(was) > 0 && was[0].Key == item.Key {
			same := was[0].Seq == item.Seq
			before, what, was = lasting(was[0].View), rowChanged, was[1:]
			if same {
				continue
			}
		}
		after := lasting(item.View)
		if rows, err = s.appendDiff(append(appendText(rows, item.Key), what), &before, &after); err != nil {
			return nil, 0, err
		}
		n++
	}
	for _, item := range was {
		gone(item.Key)
	}
	return append(binary.AppendUvarint(out, uint64(n)), rows...), n, nil
}

// readStep makes the next picture of one before and a step; of whole pictures it is the
// first. Only the named site is read, or (empty) all.
func readStep(raw []byte, before *Picture, full bool, at time.Time, name string) (*Picture, error) {
	in := &input{raw}
	p := &Picture{At: at, Sites: map[string]*Shown{}}
	if full {
		var err error
		if p.flows, err = flowShape.readColumns(in); err != nil {
			return nil, err
		}
		if p.endpoints, err = endpointShape.readColumns(in); err != nil {
			return nil, err
		}
	} else {
		if before == nil {
			return nil, fmt.Errorf("a change of nothing: %w", errCorrupt)
		}
		p.flows, p.endpoints = before.flows, before.endpoints
		p.Sites = maps.Clone(before.Sites)
	}
	rows := 0
	for _, shown := range p.Sites {
		rows += shown.rows()
	}
	for len(in.rest) > 0 {
		of, err := in.text(maxKeyBytes)
		if err != nil {
			return nil, err
		}
		body, err := in.bytes(maxRawBytes)
		if err != nil {
			return nil, err
		}
		if name != "" && of != name {
			continue
		}
		was := p.Sites[of].rows()
		if err := p.read(body, of); err != nil {
			return nil, fmt.Errorf("site %.100q: %w", of, err)
		}
		if rows += p.Sites[of].rows() - was; rows > maxRows {
			return nil, fmt.Errorf("more than %d rows: %w", maxRows, errCorrupt)
		}
	}
	return p, nil
}

// read takes in what changed at a site.
func (p *Picture) read(body []byte, name string) error {
	was := p.Sites[name]
	if was == nil {
		was = new(Shown)
	}
	in := &input{body}
	flows, err := readRows(in, p.flows, was.Flows)
	if err != nil {
		return err
	}
	endpoints, err := readRows(in, p.endpoints, was.Endpoints)
	if err != nil {
		return err
	}
	if len(in.rest) > 0 {
		return fmt.Errorf("%d bytes too many: %w", len(in.rest), errCorrupt)
	}
	p.Sites[name] = &Shown{flows, endpoints}
	if len(flows)+len(endpoints) == 0 {
		delete(p.Sites, name)
	}
	return nil
}

// readRows makes rows of those before and what changed.
func readRows[T any](in *input, columns []column, was []Row[T]) ([]Row[T], error) {
	n, err := in.number(min(maxRows, len(in.rest)))
	if err != nil || n == 0 {
		return was, err
	}
	rows := slices.Clone(was)
	for range n {
		key, err := in.text(maxKeyBytes)
		if err != nil {
			return nil, err
		}
		what, err := in.byte()
		if err != nil {
			return nil, err
		}
		at, found := slices.BinarySearchFunc(rows, key, func(r Row[T], key string) int { return strings.Compare(r.Key, key) })
		switch {
		case what == rowGone && found:
			rows = slices.Delete(rows, at, at+1)
			continue
		case what == rowNew && !found:
			rows = slices.Insert(rows, at, Row[T]{Key: key})
		case what == rowChanged && found:
		default:
			return nil, fmt.Errorf("row %.100q is there: %v, and became %d: %w", key, found, what, errCorrupt)
		}
		if err := readDiff(in, columns, &rows[at].View); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
