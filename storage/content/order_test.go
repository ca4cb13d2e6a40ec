package content_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sitecast/sitecast/storage/content"
)

// canonical is in canonical order; its objects are marked by the comments.
var canonical = []content.File{
	{Path: "a.txt", Size: 10}, {Path: "b.txt"}, {Path: "c.txt", Size: content.BundleBytes - 1}, // one
	{Path: "B.bin", Size: content.BundleBytes},  // two
	{Path: "a.bin", Size: 1 << 30},              // three
	{Path: "d/e", Dir: true}, {Path: "d/z.txt"}, // four
	{Path: "d/f/x", Size: 1},    // five
	{Path: "d-f/x", Size: 1},    // six
	{Path: "d-f/y", Size: 1e9},  // seven
	{Path: "d.f/a/b", Size: 12}, // eight
}

func TestOrderDoesNotDependOnTheInput(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		files := slices.Clone(canonical)
		random.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		if got := content.Order(files); !slices.Equal(got, canonical) {
			t.Fatalf("order %+v", got)
		}
	}
}

func TestSmallFilesOfAFolderAreOneObject(t *testing.T) {
	var got [][2]int
	for from, to := range content.Objects(canonical) {
		got = append(got, [2]int{from, to})
	}
	if want := [][2]int{{0, 3}, {3, 4}, {4, 5}, {5, 7}, {7, 8}, {8, 9}, {9, 10}, {10, 11}}; !slices.Equal(got, want) {
		t.Errorf("objects %v, want %v", got, want)
	}
	for range content.Objects(canonical) {
		break // an iteration may end early
	}
}
