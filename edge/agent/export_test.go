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
