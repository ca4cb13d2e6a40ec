// Command typescript writes the twin of package wire for browsers: the type of every
// message, the constants and limits, and a table from which messages are decoded and
// encoded there as they are here. `go run ./signaling/wire/typescript` in the project's
// folder writes web/wire/messages.ts, and a test says whether that was done.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// Where the twin lies, from the folder of the project.
const twin = "web/wire/messages.ts"

func main() {
	text, err := generate("signaling/wire", "storage/content")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(twin), 0o755)
	}
	if err == nil {
		err = os.WriteFile(twin, text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "write the twin of the wire:", err, "(run this in the project's folder)")
		os.Exit(1)
	}
}
