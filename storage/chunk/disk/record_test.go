package disk

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

var journalID = content.VersionID{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}

// journalOf is a journal of two records, and what it says.
func journalOf(chunks uint32) (data []byte, says state) {
	data = appendHeader(nil, journalID, 3, chunks)
	first := record{counters: counters(10), set: []content.Run{{First: 0, Count: 9}, {First: 11, Count: 1}}}
	second := record{counters: counters(20), cleared: []content.Run{{First: 2, Count: 2}}, set: []content.Run{{First: 12, Count: 3}}}
	data = appendRecord(data, 3, first)
	data = appendRecord(data, 3, second)
	return data, state{bitmap(chunks, 0, 1, 4, 5, 6, 7, 8, 11, 12, 13, 14), counters(20)}
}

func counters(n int64) chunk.Counters {
	return chunk.Counters{Bytes: [4]int64{n, n + 1, n + 2, n + 3}, WAN: n + 4}
}

func bitmap(chunks uint32, set ...uint32) content.Bitmap {
	b := content.NewBitmap(chunks)
	for _, i := range set {
		b.Set(i)
	}
	return b
}

func TestJournalSaysWhatWasRecorded(t *testing.T) {
	data, want := journalOf(15)
	got, generation, end, err := readJournal(data, journalID, 15)
	if err != nil || generation != 3 || end != len(data) || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read %v of generation %d to %d (%v), want %v of generation 3 to %d", got, generation, end, err, want, len(data))
	}
}

func TestJournalFormatDoesNotChange(t *testing.T) {
	data := appendHeader(nil, journalID, 1, 3)
	data = appendRecord(data, 1, record{counters: counters(1), cleared: []content.Run{{First: 0, Count: 1}}, set: []content.Run{{First: 1, Count: 2}}})
	const want = "53434a01" + "00112233445566778899aabbccddeeff" + "0000000000000001" + "00000003" + "d8ed3163" +
		"00000040" + "0000000000000001" + "0000000000000002" + "0000000000000003" + "0000000000000004" + "0000000000000005" +
		"00000001" + "00000001" + "0000000000000001" + "0000000100000002" + "42be8705"
	if got := hex.EncodeToString(data); got != want {
		t.Errorf("journal is %s, want %s as written by earlier releases", got, want)
	}
}

// What was being written when the process ended, or is not from this journal, is void.
func TestJournalEndsWithItsLastWholeRecord(t *testing.T) {
	whole, _ := journalOf(15)
	length := binary.BigEndian.Uint32(whole[headerBytes:])
	second := headerBytes + 4 + int(length) + 4
	oneRecord := bitmap(15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 11)
	flipped := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		return b
	}
	run := func(first, count uint32) []byte {
		return appendRecord(bytes.Clone(whole[:second]), 3, record{set: []content.Run{{First: first, Count: count}}})
	}
	// counts claims runs that are not there, under a right checksum.
	counts := func(cleared, set uint32) []byte {
		b := appendRecord(nil, 3, record{})
		binary.BigEndian.PutUint32(b[4+countersBytes:], cleared)
		binary.BigEndian.PutUint32(b[8+countersBytes:], set)
		b = binary.BigEndian.AppendUint32(b[:len(b)-4], checksum(3, b[:len(b)-4]))
		return append(bytes.Clone(whole[:second]), b...)
	}
	for name, data := range map[string][]byte{
		"a flipped length":              flipped(second),
		"a flipped counter":             flipped(second + 4),
		"a flipped run":                 flipped(len(whole) - 6),
		"a flipped checksum":            flipped(len(whole) - 1),
		"zeros":                         append(bytes.Clone(whole[:second]), make([]byte, 200)...),
		"a record of an older journal":  appendRecord(bytes.Clone(whole[:second]), 2, record{set: []content.Run{{First: 12, Count: 1}}}),
		"a run past the end":            run(14, 2),
		"a run that overflows":          run(1, 1<<32-1),
		"a length past the end":         append(bytes.Clone(whole[:second]), bytes.Repeat([]byte{0xff}, 100)...),
		"a length too short":            append(bytes.Clone(whole[:second]), make([]byte, 4+leastRecord+4)...),
		"runs that are not there":       counts(0, 1),
		"a number of runs that wraps":   counts(1<<31, 1<<31),
		"a number of runs out of space": counts(1<<32-1, 1<<32-1),
	} {
		got, _, end, err := readJournal(data, journalID, 15)
		if err != nil || end != second || !bytes.Equal(got.have, oneRecord) || got.counters != counters(10) {
			t.Errorf("%s: read %v to %d (%v), want the first record to %d", name, got, end, err, second)
		}
	}
	for n := headerBytes; n < len(whole); n++ {
		want, wantEnd := content.NewBitmap(15), headerBytes
		if n >= second {
			want, wantEnd = oneRecord, second
		}
		if got, _, end, err := readJournal(whole[:n], journalID, 15); err != nil || end != wantEnd || !bytes.Equal(got.have, want) {
			t.Errorf("first %d bytes: read %v to %d (%v), want %v to %d", n, got.have, end, err, want, wantEnd)
		}
	}
}

func TestForeignJournalIsRefused(t *testing.T) {
	whole, _ := journalOf(15)
	for n := range headerBytes {
		if _, _, _, err := readJournal(whole[:n], journalID, 15); err == nil {
			t.Errorf("read the first %d bytes of a header", n)
		}
		flipped := bytes.Clone(whole)
		flipped[n] ^= 1
		if _, _, _, err := readJournal(flipped, journalID, 15); err == nil {
			t.Errorf("read a header with byte %d flipped", n)
		}
	}
	if _, _, _, err := readJournal(whole, content.VersionID{1}, 15); err == nil {
		t.Error("read the journal of another version")
	}
	if _, _, _, err := readJournal(whole, journalID, 16); err == nil {
		t.Error("read the journal of another number of chunks")
	}
}

// Any sequence of states is read back, whatever its last record suffered.
func TestAnyJournalIsReadBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		chunks := rapid.Uint32Range(0, 100).Draw(r, "chunks")
		data := appendHeader(nil, journalID, 7, chunks)
		last := state{have: content.NewBitmap(chunks)}
		before, ends := []state{last}, []int{len(data)}
		for range rapid.IntRange(0, 5).Draw(r, "records") {
			next := state{content.NewBitmap(chunks), counters(rapid.Int64Range(0, 1<<62).Draw(r, "counter"))}
			random := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "have"), 0))
			for i := range chunks {
				if random.IntN(2) == 0 {
					next.have.Set(i)
				}
			}
			data = appendRecord(data, 7, changes(last.have, next, chunks))
			last = next
			before, ends = append(before, next), append(ends, len(data))
		}
		n := rapid.IntRange(headerBytes, len(data)).Draw(r, "cut to")
		i, found := slices.BinarySearch(ends, n)
		if !found {
			i--
		}
		got, generation, end, err := readJournal(data[:n], journalID, chunks)
		if err != nil || generation != 7 || end != ends[i] || fmt.Sprint(got) != fmt.Sprint(before[i]) {
			r.Fatalf("read %v to %d (%v), want %v to %d", got, end, err, before[i], ends[i])
		}
	})
}

func TestChangesLeadFromOneStateToTheNext(t *testing.T) {
	for _, c := range []struct {
		from, to     []uint32
		cleared, set string
	}{
		{nil, nil, "[]", "[]"},
		{nil, []uint32{0}, "[]", "[{0 1}]"},
		{[]uint32{0}, nil, "[{0 1}]", "[]"},
		{nil, []uint32{6, 7, 8, 9, 19}, "[]", "[{6 4} {19 1}]"},
		{[]uint32{3, 7, 8}, []uint32{3, 8}, "[{7 1}]", "[]"},
		{[]uint32{1, 2, 16}, []uint32{2, 3, 17}, "[{1 1} {16 1}]", "[{3 1} {17 1}]"},
	} {
		from, to := bitmap(20, c.from...), state{have: bitmap(20, c.to...)}
		r := changes(from, to, 20)
		if fmt.Sprint(r.cleared) != c.cleared || fmt.Sprint(r.set) != c.set {
			t.Errorf("from %v to %v: cleared %v, set %v, want %s, %s", c.from, c.to, r.cleared, r.set, c.cleared, c.set)
		}
		got := state{have: from.Clone()}
		if got.apply(r); !bytes.Equal(got.have, to.have) {
			t.Errorf("from %v: arrived at %08b, want %08b", c.from, got.have, to.have)
		}
	}
}

// Whatever the bytes, what is read is consistent, and goes on to be.
func FuzzReadJournal(f *testing.F) {
	const chunks = 15
	whole, _ := journalOf(chunks)
	f.Add(whole)
	f.Add(whole[:headerBytes])
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), 0))
	f.Add([]byte(journalMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		// A fuzzer does not guess checksums, so it is told them.
		checked := withChecksums(data)
		for _, data := range [][]byte{data, checked} {
			s, generation, end, err := readJournal(data, journalID, chunks)
			if err != nil {
				continue
			}
			if end < headerBytes || end > len(data) || len(s.have) != 2 || s.have.Has(chunks) {
				t.Fatalf("read %08b to %d of %d bytes", s.have, end, len(data))
			}
			step := changes(content.NewBitmap(chunks), s, chunks)
			goneOn := appendRecord(bytes.Clone(data[:end]), generation, step)
			again, _, all, err := readJournal(goneOn, journalID, chunks)
			if err != nil || all != len(goneOn) || fmt.Sprint(again) != fmt.Sprint(s) {
				t.Fatalf("gone on from %v to %v, %d of %d bytes (%v)", s, again, all, len(goneOn), err)
			}
		}
	})
}

// withChecksums makes every checksum right that a reader would come to.
func withChecksums(data []byte) []byte {
	data = bytes.Clone(data)
	if len(data) < headerBytes {
		return data
	}
	generation := binary.BigEndian.Uint64(data[20:])
	copy(data, appendHeader(nil, journalID, generation, 15))
	for at := headerBytes; at+8 <= len(data); {
		size := 4 + int64(binary.BigEndian.Uint32(data[at:]))
		if size+4 > int64(len(data)-at) {
			break
		}
		binary.BigEndian.PutUint32(data[at+int(size):], checksum(generation, data[at:at+int(size)]))
		at += int(size) + 4
	}
	return data
}
