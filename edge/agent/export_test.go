package agent

import (
	"crypto/ed25519"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/sitecast/sitecast/edge/doctor"
	"github.com/sitecast/sitecast/edge/loopback"
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
	mux.Handle(contentPattern, loopback.Door{}.Guard(delivered{store.OpenFile, lost, func(content.Ref) bool { return false }, slog.New(slog.DiscardHandler)}))
	return mux
}

// ReadScrub reads the file that says how far content was checked.
var ReadScrub = readScrub

// JudgeBy returns how a doctor judges the certificate of a server at host.
func JudgeBy(data, host string, others *x509.CertPool) (func([]*x509.Certificate) (doctor.Voucher, error), error) {
	return judgeBy(data, &url.URL{Scheme: "https", Host: host}, others)
}

// SaveIdentity makes an identity with a pin in a folder.
func SaveIdentity(dir, pin string) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	return (&identity{Key: key, Machine: machine(), Root: key.Public().(ed25519.PublicKey), Pin: pin, Site: "shop"}).save(dir)
}
