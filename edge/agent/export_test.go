package agent

import (
	"log/slog"
	"net/http"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// CheckPin is how a server is recognised by the key its token names.
var CheckPin = checkPin

// LoadIdentity is the endpoint whose identity lies in a folder.
func LoadIdentity(dir string) (wire.EndpointID, error) {
	id, err := loadIdentity(dir)
	if err != nil {
		return "", err
	}
	return id.id(), nil
}

// Reflectors lists the addresses that the governor may probe of what the server named.
func Reflectors(servers []wire.ICE) []string {
	var s iceServers
	s.set(servers)
	return s.reflectors()
}

// ReadMemory reads when versions came and were needed last.
var ReadMemory = readMemory

// Delivered serves the content of a store, as the status server does.
func Delivered(store *disk.Store, lost func(content.VersionID, uint32)) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /c/{name}/{version}/{path...}", delivered{store.OpenFile, lost, slog.New(slog.DiscardHandler)})
	return mux
}

// ReadScrub reads the file that says how far content was checked.
var ReadScrub = readScrub
