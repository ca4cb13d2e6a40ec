package origin_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/signaling/wire"
)

// FuzzContentRange holds that an answer is taken only when it says that it is the
// range that was asked for.
func FuzzContentRange(f *testing.F) {
	for _, text := range []string{"bytes 10-19/100", "bytes 10-19/*", "bytes 0-19/100", "bytes */100", "bytes 10-19", "",
		"bytes 99999999999999999999-1/2", "Bytes 10-19/100", "bytes 10-19/100, bytes 0-1/2"} {
		f.Add(206, text, int64(10))
		f.Add(200, text, int64(10))
	}
	f.Add(200, "", int64(0))
	f.Fuzz(func(t *testing.T, status int, text string, from int64) {
		if from < 0 || from > wire.MaxNumber-10 {
			return // no lease has it
		}
		lease := wire.Lease{From: from, To: from + 10}
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Range": {text}}, ContentLength: 10,
			Body: io.NopCloser(strings.NewReader(text))}
		if err := origin.CheckRange(resp, lease); err != nil {
			return
		}
		whole := status == http.StatusOK && from == 0
		if want := fmt.Sprintf("%d-%d/", from, from+9); !whole && (status != http.StatusPartialContent || !strings.Contains(strings.ReplaceAll(text, "+", ""), want)) {
			t.Errorf("%d %q is taken for %s", status, text, want)
		}
	})
}
