package disk

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adviseRandom says that what lies beyond a read is not needed next, so that a read
// brings into the cache what it asks for and no more.
func adviseRandom(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM) } // advice

// pagesOf widens a range to whole pages.
func pagesOf(at, bytes int64) (from, length int64) {
	page := int64(os.Getpagesize())
	from = at - at%page
	return from, (at + bytes - from + page - 1) / page * page
}

// dropCached lets go of all pages that a range touches, but for those that are not
// written to the disk yet, or mapped by somebody.
func dropCached(f *os.File, at, bytes int64) {
	from, length := pagesOf(at, bytes)
	_ = unix.Fadvise(int(f.Fd()), from, length, unix.FADV_DONTNEED) // advice
}

// coldPart returns the part of a range outside of which all lies in the cache. It is
// found without a read: one that does not wait has the system read ahead all the same.
func coldPart(f *os.File, at, bytes int64) (coldAt, coldBytes int64) {
	from, length := pagesOf(at, bytes)
	data, err := unix.Mmap(int(f.Fd()), from, int(length), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return at, bytes
	}
	defer func() { _ = unix.Munmap(data) }() // it was mapped
	page := int64(os.Getpagesize())
	resident := make([]byte, length/page)
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&data[0])), uintptr(length), uintptr(unsafe.Pointer(&resident[0])))
	if errno != 0 {
		return at, bytes
	}
	first, end := int64(0), int64(len(resident))
	for first < end && resident[first]&1 == 1 {
		first++
	}
	for first < end && resident[end-1]&1 == 1 {
		end--
	}
	coldAt = max(at, from+first*page)
	return coldAt, max(min(at+bytes, from+end*page)-coldAt, 0)
}
