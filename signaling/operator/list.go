package operator

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
)

// show asks for a short list and prints it: as JSON, or as a table with a line, of cells
// with tabs between them, for each.
func show[T any](ctx context.Context, r Remote, asJSON bool, what, path, head string, line func(T) string) error {
	server, err := r.client()
	if err != nil {
		return err
	}
	defer server.close()
	all, err := pagesOf[T](ctx, server, path, nil)
	if err != nil {
		return fmt.Errorf("list %s: %w", what, err)
	}
	if asJSON {
		return r.printJSON(all)
	}
	t := tabwriter.NewWriter(r.stdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, head)
	for _, each := range all {
		cells := strings.Split(line(each), "\t")
		for i, text := range cells {
			cells[i] = clean(text)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}
