package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// PathBrowserSession is where a browser trades its browser token for one of the
// signaling socket.
const PathBrowserSession = "/api/v1/browser/session"

// A browser can set no header when it opens a WebSocket. It offers two subprotocols: the
// one that is spoken, and one that carries its token.
const (
	Subprotocol       = "sitecast"
	SubprotocolBearer = "bearer."
)

// MaxNamed bounds the contents that a browser token names.
const MaxNamed = 16

// Named is a content that a browser may take part in. Without a version it is the one
// that everybody at the site shall have, else the newest that was published.
type Named struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

func (n Named) String() string {
	if n.Version == "" {
		return n.Name
	}
	return content.Ref(n).String()
}

// Check reports what is wrong with a name.
func (n Named) Check() error { return versions(n.Name, n.Version) }

// CheckNamed reports what is wrong with the contents of a browser token.
func CheckNamed(contents []Named) error {
	if len(contents) == 0 {
		return errors.New("no content is named")
	}
	if err := count("contents", len(contents), MaxNamed); err != nil {
		return err
	}
	for _, n := range contents {
		if err := n.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Visit is what a browser token allows: to take part in the contents that it names, for
// pages of one web origin, until it ends.
type Visit struct {
	Origin   string // as browsers write it, see ParseOrigin
	Contents []Named
	Until    time.Time
}

// BrowserSessionRequest trades a browser token for one of the socket. Proof signs
// SessionClaim with the key that the browser made for itself.
type BrowserSessionRequest struct {
	Token string `json:"token"`
	Key   []byte `json:"key"` // Ed25519 public key
	Nonce string `json:"nonce"`
	Proof []byte `json:"proof"`
}

// BrowserSessionResponse answers BrowserSessionRequest: who the browser is now, where,
// and whom it may believe. Expires is of the token, which ends no later than the browser
// token does.
type BrowserSessionResponse struct {
	EnrolResponse
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// maxOriginBytes bounds a web origin: a host name has up to 253 bytes.
const maxOriginBytes = 280

// ParseOrigin returns a web origin as browsers write it in the header Origin (RFC 6454,
// 6.2): scheme and host in lower case, and the port unless it is the scheme's own.
func ParseOrigin(text string) (string, error) {
	at, err := url.Parse(text)
	if err != nil || len(text) > maxOriginBytes {
		return "", fmt.Errorf("%.80q is not a web origin such as https://shop.example:8443", text)
	}
	scheme, host, port := strings.ToLower(at.Scheme), strings.ToLower(at.Hostname()), at.Port()
	own := map[string]string{"https": "443", "http": "80"}[scheme]
	switch {
	case own == "" || host == "":
		return "", fmt.Errorf("%.80q is not a web origin such as https://shop.example:8443", text)
	case strings.Trim(at.Path, "/") != "" || at.RawQuery != "" || at.Fragment != "" || at.User != nil:
		return "", fmt.Errorf("%.80q says more than a web origin: leave out all but https://HOST:PORT", text)
	case strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_:") != "":
		return "", fmt.Errorf("host of %.80q has other characters than letters, digits, '.' and '-': write an international name as xn--", text)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
		if ip.Is6() {
			host = "[" + host + "]"
		}
	} else if strings.Contains(host, ":") {
		return "", fmt.Errorf("host of %.80q is no address", text)
	}
	if port != "" && port != own {
		host += ":" + port
	}
	return scheme + "://" + host, nil
}
