package evidence

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sitecast/sitecast/storage/catalog"
)

// MaxCSVBytes bounds a map of networks in CSV: MaxNetworks of them fit.
const MaxCSVBytes = 8 << 20

// columns of the CSV. The kind may be left out: then all are LANs.
var columns = []string{"cidr", "site", "kind"}

// LinedNetwork is a network and the line of the file that it stands in.
type LinedNetwork struct {
	catalog.Network
	Line int
}

// BadLine says what is wrong with a line of a file.
type BadLine struct {
	Line int
	Err  error
}

// BadLines is the error of a file that is not taken.
type BadLines []BadLine

// maxBadLines is how many bad lines are told, and looked for.
const maxBadLines = 50

func (b BadLines) Error() string {
	lines := []string{fmt.Sprintf("nothing was changed, bad lines: %d", len(b))}
	if len(b) >= maxBadLines {
		lines[0] = fmt.Sprintf("nothing was changed, the first %d bad lines:", maxBadLines)
	}
	for _, bad := range b[:min(len(b), maxBadLines)] {
		lines = append(lines, fmt.Sprintf("line %d: %v", bad.Line, bad.Err))
	}
	return strings.Join(lines, "\n")
}

// ReadCSV reads a map of networks with the header cidr,site,kind; a table program's
// semicolons and byte order mark are taken. Its error is a [BadLines] where lines are
// bad, each with its number.
func ReadCSV(text []byte) ([]LinedNetwork, error) {
	if len(text) > MaxCSVBytes {
		return nil, fmt.Errorf("the file has %d bytes, limit %d: import it in parts", len(text), MaxCSVBytes)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = -1, true, true
	if head, _, _ := bytes.Cut(text, []byte("\n")); bytes.IndexByte(head, ';') >= 0 && bytes.IndexByte(head, ',') < 0 {
		r.Comma = ';'
	}
	at, err := header(r)
	if err != nil {
		return nil, err
	}
	var out []LinedNetwork
	var bad BadLines
	for len(bad) < maxBadLines {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if broken := new(csv.ParseError); errors.As(err, &broken) {
			bad = append(bad, BadLine{broken.Line, broken.Err})
			continue
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		n, err := network(record, at)
		switch {
		case err != nil:
			bad = append(bad, BadLine{line, err})
		case len(out) == catalog.MaxNetworks:
			return nil, fmt.Errorf("line %d: the file has more than %d networks", line, catalog.MaxNetworks)
		default:
			out = append(out, LinedNetwork{n, line})
		}
	}
	if bad != nil {
		return nil, bad
	}
	return out, nil
}

// header says which column is where; -1 for one that is not there.
func header(r *csv.Reader) (at []int, err error) {
	wants := "want the header " + strings.Join(columns, ",")
	record, err := r.Read()
	if err != nil {
		return nil, BadLines{{1, errors.New(wants)}}
	}
	var names []string
	for _, cell := range record {
		names = append(names, strings.ToLower(strings.TrimSpace(cell)))
	}
	for _, c := range columns {
		at = append(at, slices.Index(names, c))
	}
	if at[0] < 0 || at[1] < 0 {
		return nil, BadLines{{1, errors.New(wants)}}
	}
	return at, nil
}

// network reads a line.
func network(record []string, at []int) (catalog.Network, error) {
	cells := make([]string, len(columns))
	for i, k := range at {
		if k >= 0 && k < len(record) {
			cells[i] = strings.TrimSpace(record[k])
		}
	}
	return catalog.Network{CIDR: cells[0], Site: cells[1], Kind: cells[2]}.Normal()
}

// WriteCSV writes a map of networks. No cell of it begins with a sign that makes a
// formula of it in a table program (=, +, -, @): neither an address nor a name can.
func WriteCSV(networks []catalog.Network) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(columns) // a buffer takes all
	for _, n := range networks {
		_ = w.Write([]string{n.CIDR, n.Site, n.Kind})
	}
	w.Flush()
	return out.Bytes()
}
