package s3

// SetPart changes how much of an upload goes at a time, in bytes.
func (s *Store) SetPart(n int64) { s.part = n }

// MaxUploads is how many uploads go at a time.
const MaxUploads = maxUploads
