package catalog

import "github.com/sitecast/sitecast/storage/content"

// Patches are what makes a version of the one before it, the newest older one of its
// content: see package patch. They are made after a version was published, and only
// while it is the newest.
type Patches struct {
	Base   content.VersionID // the version before; zero: there is none, or they are not made
	Object content.Digest    // where they lie; zero: they are not worth it, or not made yet
	Due    bool              // they are still to be made
}

// Succession is a version, and the one before it.
type Succession struct {
	Name            string
	Before, Version string
	Serial          uint64 // of Version
}
