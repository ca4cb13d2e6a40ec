// Command document writes the description of the API that the TypeScript client is made of.
//
//	go run ./signaling/api/document
//
// Run it in the root of the repository; then `npm run build` in web/client.
package main

import (
	"fmt"
	"os"

	"github.com/sitecast/sitecast/signaling/api"
)

// path is where the description lies, committed so that a change of the API shows in it.
const path = "web/client/openapi.json"

func main() {
	text, err := api.Document()
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // it is a source
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "document:", err)
		os.Exit(1)
	}
}
