package content

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// MaxPathBytes bounds the path of one file, MaxSegmentBytes each of its parts
// (the limit of most file systems).
const (
	MaxPathBytes    = 1024
	MaxSegmentBytes = 255
)

// A PathError refuses a path that is not safe, or not distinct, on every
// platform that content may be delivered to.
type PathError struct {
	Path   string
	Reason string
}

func (e *PathError) Error() string { return fmt.Sprintf("path %.200q: %s", e.Path, e.Reason) }

// RefusedMode says why a file of that mode is not published, or "": links and special
// files are not the same everywhere, and no content gives its reader more rights.
func RefusedMode(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "is a symbolic link"
	case !mode.IsRegular():
		return fmt.Sprintf("is not a file or folder (%s)", mode.Type())
	case mode&fs.ModeSetuid != 0:
		return "is set-uid"
	case mode&fs.ModeSetgid != 0:
		return "is set-gid"
	case mode&fs.ModeSticky != 0:
		return "is sticky"
	}
	return ""
}

// CheckPath accepts a relative path of slash-separated parts that names the same
// file, inside the folder it is resolved against, on every platform. It refuses
// with a [*PathError].
func CheckPath(path string) error {
	if reason := pathFault(path); reason != "" {
		return &PathError{Path: path, Reason: reason}
	}
	return nil
}

func pathFault(path string) string {
	switch {
	case path == "":
		return "is empty"
	case len(path) > MaxPathBytes:
		return fmt.Sprintf("is %d bytes long, limit %d", len(path), MaxPathBytes)
	case !utf8.ValidString(path):
		return "is not UTF-8"
	case path[0] == '/':
		return "is absolute"
	case !norm.NFC.IsNormalString(path):
		return "is not in Unicode normal form C"
	}
	for _, r := range path {
		switch {
		case unicode.IsControl(r):
			return fmt.Sprintf("has the control character %U", r)
		case r == '\\' || r == ':':
			return fmt.Sprintf("has a %q", r)
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if reason := segmentFault(segment); reason != "" {
			return reason
		}
	}
	return ""
}

func segmentFault(s string) string {
	switch {
	case s == "":
		return "has an empty part"
	case s == "." || s == "..":
		return fmt.Sprintf("has the part %q", s)
	case len(s) > MaxSegmentBytes:
		return fmt.Sprintf("has a part of %d bytes, limit %d", len(s), MaxSegmentBytes)
	case strings.HasSuffix(s, "."), strings.HasSuffix(s, " "):
		return fmt.Sprintf("has the part %q, and Windows drops dots and spaces at the end", s)
	case isDevice(s):
		return fmt.Sprintf("has the part %q, a device on Windows", s)
	}
	return ""
}

// maxDeviceBytes is the longest name of a device: CONOUT$.
const maxDeviceBytes = 7

// isDevice reports whether Windows takes s for a device. Case, an extension, and
// spaces before the extension make no difference to it, and the superscript
// digits count as digits (learn.microsoft.com/windows/win32/fileio/naming-a-file).
func isDevice(s string) bool {
	base, _, _ := strings.Cut(s, ".")
	if base = strings.TrimRight(base, " "); len(base) > maxDeviceBytes {
		return false
	}
	base = strings.ToUpper(base)
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	port, found := strings.CutPrefix(base, "COM")
	if !found {
		port, found = strings.CutPrefix(base, "LPT")
	}
	return found && utf8.RuneCountInString(port) == 1 && strings.Contains("0123456789¹²³", port)
}

// CheckPaths accepts paths that can lie side by side in one folder on every
// platform: each passes [CheckPath], no two become one under case folding and
// Unicode normalisation (nor do their folders), and none is a folder of another.
// It refuses with a [*PathError].
func CheckPaths(paths []string) error {
	folded := make([]foldedPath, len(paths))
	for i, p := range paths {
		if err := CheckPath(p); err != nil {
			return err
		}
		folded[i] = foldedPath{path: p, key: foldKey(p)}
	}
	// Sorted by key, whatever collides is adjacent: all that lies in a folder is
	// contiguous, and comes right after a file with the name of that folder.
	slices.SortFunc(folded, func(a, b foldedPath) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(folded); i++ {
		if err := folded[i].collision(folded[i-1]); err != nil {
			return err
		}
	}
	return nil
}

type foldedPath struct{ path, key string }

// foldKey is equal for paths that are one path on a file system which folds case
// and normalises (canonical caseless match, Unicode D145). The separator becomes
// NUL, so that strings sort folder by folder.
func foldKey(path string) string {
	ascii := true
	for i := range len(path) {
		ascii = ascii && path[i] < utf8.RuneSelf
	}
	if ascii {
		path = strings.ToLower(path)
	} else {
		path = norm.NFD.String(cases.Fold().String(norm.NFD.String(path)))
	}
	return strings.ReplaceAll(path, "/", "\x00")
}

// collision compares a path with the one sorted before it.
func (p foldedPath) collision(before foldedPath) error {
	if p.key == before.key {
		return &PathError{p.path, fmt.Sprintf("is the same file as %.200q where case or Unicode form do not count", before.path)}
	}
	if strings.HasPrefix(p.key, before.key+"\x00") {
		return &PathError{p.path, fmt.Sprintf("lies in %.200q, which is a file or an empty folder", before.path)}
	}
	// Part by part, as long as their keys are the same.
	a, b, x, y := p.path, before.path, p.key, before.key
	for x != "" && y != "" {
		var folder, folderBefore, key, keyBefore string
		folder, a, _ = strings.Cut(a, "/")
		folderBefore, b, _ = strings.Cut(b, "/")
		key, x, _ = strings.Cut(x, "\x00")
		keyBefore, y, _ = strings.Cut(y, "\x00")
		switch {
		case key != keyBefore:
			return nil
		case folder != folderBefore:
			return &PathError{p.path, fmt.Sprintf("shares a folder with %.200q where case or Unicode form do not count", before.path)}
		}
	}
	return nil
}
