// Package web holds what a server gives to browsers: the download page with its script,
// style and worker, as web/sdk builds them. What is built is committed, so that the
// server is built without npm; `make test` says whether it is of the sources beside it.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Get is the download page.
//
//go:embed dist/get.html
var Get []byte

// Check is the page that tells what pages can do in a browser.
//
//go:embed dist/check.html
var Check []byte

// Account is the template of the pages where operators log in: see account/account.html
// for what it shows. They need no script.
//
//go:embed account/account.html
var Account string

// AccountStyle is their style sheet.
//
//go:embed account/account.css
var AccountStyle []byte

// Portal is the page that the operators' portal begins with, whatever its address is.
//
//go:embed dist/portal/index.html
var Portal []byte

// PortalAssets are the files that the portal names under /portal/assets/. The name of
// each has a digest of it.
func PortalAssets() fs.FS {
	sub, err := fs.Sub(dist, "dist/portal/assets")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

// Assets are the files that pages name under /assets/.
func Assets() fs.FS {
	sub, err := fs.Sub(dist, "dist/assets")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}
