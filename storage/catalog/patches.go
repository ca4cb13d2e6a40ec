package catalog

import "github.com/sitecast/sitecast/storage/content"

// Patches are what makes a version of an older one of its content, the base: see package
// patch. They are due from when a version was published that has an older one, until they
// were made or a newer version was published. The base is the version that most endpoints
// were to have by then, as far as was distributed; else the newest older one.
type Patches struct {
	Base   content.VersionID // zero: there are none, or they are not made
	Object content.Digest    // where they lie; zero: they are not worth it, or not made yet
	Due    bool              // they are still to be made
}

// Succession is a version, and the one that patches to it are made of.
type Succession struct {
	Name            string
	Before, Version string
	Serial          uint64 // of Version
}

// OldPatches are what became of the patches of a version that is not the newest of its
// content.
type OldPatches struct {
	Name, Version string
	Serial        uint64
	Object        content.Digest // zero: there are none
}
