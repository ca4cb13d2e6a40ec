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

// The two tables of a picture, as they are numbered in each site's part of a step.
const (
	tableFlows = iota
	tableEndpoints
	tables
)

// Picture is what sites showed at a moment: their flows, or their endpoints. Nobody changes it.
type Picture[T any] struct {
	*picture
	shape *shape[T]
}

// picture is one before it is known of what.
type picture struct {
	at      time.Time
	columns []column // as the file has them
	sites   map[string][]Row
	rows    int
}

// Names are the sites of the picture, in order.
func (p *picture) Names() []string { return slices.Sorted(maps.Keys(p.sites)) }

// Rows are those of a site, in the order of their keys.
func (p *picture) Rows(site string) []Row { return p.sites[site] }

// View puts one of its rows together.
func (p *Picture[T]) View(r Row) (T, error) { return p.shape.view(p.columns, r) }

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
	flows, err := appendRows(nil, flowShape, lasting, was.Flows, now.Flows)
	if err != nil {
		return nil, err
	}
	endpoints, err := appendRows(nil, endpointShape, lastingEndpoint, was.Endpoints, now.Endpoints)
	if len(flows)+len(endpoints) == 0 || err != nil {
		return out[:0], err
	}
	return append(append(binary.AppendUvarint(out, uint64(len(flows))), flows...), endpoints...), nil
}

// appendRows writes the rows that changed.
func appendRows[T any](rows []byte, s *shape[T], lasting func(T) T, was, now []board.Item[T]) (_ []byte, err error) {
	gone := func(key string) { rows = append(appendText(rows, key), rowGone) }
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
			return nil, err
		}
	}
	for _, item := range was {
		gone(item.Key)
	}
	return rows, nil
}

// readStep makes the next picture of one before and a step; of whole pictures it is the
// first. Only a table of the named site is read, or (empty) of all.
func readStep(raw []byte, before *picture, full bool, at time.Time, name string, table int) (*picture, error) {
	in := &input{raw}
	p := &picture{at: at, sites: map[string][]Row{}}
	if full {
		var columns [tables][]column
		var err error
		if columns[tableFlows], err = flowShape.readColumns(in); err != nil {
			return nil, err
		}
		if columns[tableEndpoints], err = endpointShape.readColumns(in); err != nil {
			return nil, err
		}
		p.columns = columns[table]
	} else {
		if before == nil {
			return nil, fmt.Errorf("a change of nothing: %w", errCorrupt)
		}
		p.columns, p.rows, p.sites = before.columns, before.rows, maps.Clone(before.sites)
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
		if err := p.read(&input{body}, of, table); err != nil {
			return nil, fmt.Errorf("site %.100q: %w", of, err)
		}
	}
	return p, nil
}

// read takes in what changed at a site.
func (p *picture) read(in *input, name string, table int) error {
	flows, err := in.bytes(maxRawBytes)
	if err != nil {
		return err
	}
	if table == tableFlows {
		in = &input{flows}
	}
	was := p.sites[name]
	rows, err := p.changed(in, was)
	if err != nil {
		return err
	}
	if p.sites[name] = rows; len(rows) == 0 {
		delete(p.sites, name)
	}
	p.rows += len(rows) - len(was)
	return nil
}

// changed makes rows of those before and what changed.
func (p *picture) changed(in *input, was []Row) ([]Row, error) {
	if len(in.rest) == 0 {
		return was, nil
	}
	rows := slices.Clone(was)
	for len(in.rest) > 0 {
		key, err := in.text(maxKeyBytes)
		if err != nil {
			return nil, err
		}
		what, err := in.byte()
		if err != nil {
			return nil, err
		}
		at, found := slices.BinarySearchFunc(rows, key, func(r Row, key string) int { return strings.Compare(r.Key, key) })
		switch {
		case what == rowGone && found:
			rows = slices.Delete(rows, at, at+1)
			continue
		case what == rowNew && !found:
			if p.rows+len(rows) >= maxRows {
				return nil, fmt.Errorf("more than %d rows: %w", maxRows, errCorrupt)
			}
			rows = slices.Insert(rows, at, Row{key, make([]value, len(p.columns))})
		case what == rowChanged && found:
			rows[at].values = slices.Clone(rows[at].values)
		default:
			return nil, fmt.Errorf("row %.100q is there: %v, and became %d: %w", key, found, what, errCorrupt)
		}
		if err := rows[at].readDiff(in, p.columns); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
