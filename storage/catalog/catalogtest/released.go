package catalogtest

// runs are steps of the schema, first and last, that came with the step behind
// them: no server was ever left with theirs, so there are no dumps of it.
var runs = [][2]int64{{11, 15}, {17, 22}, {24, 27}}

// Released lists the schemas, from first to newest, that servers were left with. Of each
// there has to be a dump in testdata.
func Released(first, newest int64) (versions []int64) {
	for version := first; version <= newest; version++ {
		if !inside(version) {
			versions = append(versions, version)
		}
	}
	return versions
}

func inside(version int64) bool {
	for _, run := range runs {
		if run[0] <= version && version <= run[1] {
			return true
		}
	}
	return false
}
