package disk

import (
	"encoding/json"
	"testing"
)

func FuzzParseFormat(f *testing.F) {
	for _, text := range []string{`{"format":2}`, `{"format":2,"cipher":"aes-256-ctr","check":"AAAA"}`, `{"format":3,"of":"a later time"}`,
		`{"format":1}`, `{"format":-1}`, `{"format":1e99}`, `{"format":"2"}`, `{}`, `[]`, "null", "", "\x00\x00"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseFormat(text)
		if err != nil {
			return
		}
		if got.Format <= formatUnmarked {
			t.Errorf("%q is taken for format %d", text, got.Format)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := parseFormat(again); err != nil || same.String() != got.String() {
			t.Errorf("%q is %v, and written again %v (%v)", text, got, same, err)
		}
	})
}
