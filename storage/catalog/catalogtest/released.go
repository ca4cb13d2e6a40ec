package catalogtest

// Steps of the schema that came with a later one: no server was ever left with theirs, so
// there are no dumps of it.
const (
	firstTogether = 11
	lastTogether  = 15
)

// Released lists the schemas, from first to newest, that servers were left with. Of each
// there has to be a dump in testdata.
func Released(first, newest int64) (versions []int64) {
	for version := first; version <= newest; version++ {
		if (version < firstTogether || version > lastTogether) && (version < 17 || version > 20) {
			versions = append(versions, version)
		}
	}
	return versions
}
