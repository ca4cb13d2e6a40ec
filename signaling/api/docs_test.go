package api_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
)

func TestTheClientIsOfThisAPI(t *testing.T) {
	want, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../web/client/openapi.json")
	if err != nil || !bytes.Equal(bytes.TrimSpace(got), want) {
		t.Errorf("web/client/openapi.json is not of this API (%v): make web-build, and commit what it makes", err)
	}
}
