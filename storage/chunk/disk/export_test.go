package disk

import "log/slog"

// OpenWithRoom is Open on a disk that says it has so many bytes of room.
func OpenWithRoom(dir string, bytes int64) (*Store, error) {
	sys := realSystem()
	sys.room = func(string) (int64, error) { return bytes, nil }
	return open(dir, slog.New(slog.DiscardHandler), sys)
}
