package s3_test

import (
	"os"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/blob/s3"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestParseLocation(t *testing.T) {
	for text, want := range map[string]string{
		"s3://packs": "packs  https://s3.us-east-1.amazonaws.com",
		"s3://packs/a/b/?endpoint=https://s3.example:9000&region=x": "packs a/b/ https://s3.example:9000",
		"s3://packs/?region=eu-central-1":                           "packs  https://s3.eu-central-1.amazonaws.com",
		"s3://packs?endpoint=http://localhost:9000/&serve=server":   "packs  http://localhost:9000/ relayed",
		"s3://packs?public=https://cdn.example&serve=bucket":        "packs  https://s3.us-east-1.amazonaws.com at https://cdn.example",
	} {
		l, err := s3.ParseLocation(text, false)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := l.Bucket + " " + l.Prefix + " " + l.At.String()
		if l.Public != nil {
			got += " at " + l.Public.String()
		}
		if l.Relayed {
			got += " relayed"
		}
		if got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"s3://key:secret@packs":                   "AWS_ACCESS_KEY_ID",
		"s3://packs?endpoint=http://s3.example":   "--insecure-http",
		"s3://packs?public=http://s3.example":     "--insecure-http",
		"s3://packs?endpoint=s3.example:9000":     "is not a URL such as",
		"s3://packs?endpoint=https://h/path":      "without a path",
		"s3://packs?endpoint=https://k:secret@h":  "AWS_ACCESS_KEY_ID",
		"s3://key:secret@ packs":                  "write it as",
		"s3://packs?secret=x":                     "it takes endpoint",
		"s3://packs?region=a&region=b":            "once each",
		"s3://packs?serve=cdn":                    "through the server",
		"s3://P":                                  "bucket",
		"s3://packs/" + strings.Repeat("x", 257):  "limit 256",
		"s3:packs":                                "write it as",
		"s3://":                                   "bucket",
		"gs://packs":                              "write it as",
		"s3://packs#x":                            "write it as",
		"s3://packs?%zz":                          "address of the bucket",
		"s3://packs?endpoint=https://h?q=1&x=%00": "",
	} {
		_, err := s3.ParseLocation(text, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret@") {
			t.Errorf("%v repeats a key", err)
		}
	}
	if _, err := s3.ParseLocation("s3://packs?endpoint=http://s3.example", true); err != nil {
		t.Errorf("http, said to be protected: %v", err)
	}
}

// FuzzParseLocation holds that what is accepted is complete.
func FuzzParseLocation(f *testing.F) {
	f.Add("s3://packs/a?endpoint=http://localhost:9000&region=x&serve=server&public=https://cdn.example")
	f.Add("s3://key:secret@packs")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := s3.ParseLocation(text, false)
		if err == nil && (l.Bucket == "" || l.Region == "" || l.At.Host == "" || l.Prefix != "" && !strings.HasSuffix(l.Prefix, "/")) {
			t.Errorf("%q is %+v", text, l)
		}
	})
}
