package agent

import "github.com/sitecast/sitecast/signaling/wire"

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

// ReadScrub reads the file that says how far content was checked.
var ReadScrub = readScrub
