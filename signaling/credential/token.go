package credential

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Limits and life times.
const (
	// TokenLifetime is how long an endpoint's token is good for; it is renewed
	// inside the open socket.
	TokenLifetime = 10 * time.Minute
	// NonceLifetime is how long a challenge may be answered.
	NonceLifetime = time.Minute
	// TURNLifetime is how long relay credentials let new allocations be made.
	TURNLifetime = time.Hour

	maxTokenBytes = 4 << 10
	leeway        = 5 * time.Second
	issuer        = "sitecast"
	secretBytes   = 32 // random, in enrolment and API tokens and in key files
)

// Audiences of tokens, one per service.
const (
	AudienceSignaling = "signaling"
	audienceBrowser   = "browser"
)

// maxBrowserToken bounds a browser token. The endpoint token that it is traded for says
// all that it does, and who the browser is.
const maxBrowserToken = maxTokenBytes - 256

// ErrToken means that a token proves nothing. The reason is wrapped for the log.
var ErrToken = errors.New("token is not valid")

// ErrTooLong means that a browser token would name more than fits.
var ErrTooLong = errors.New("too much for one browser token")

// claims of an endpoint token, or of a browser token, which names no endpoint.
type claims struct {
	jwt.RegisteredClaims
	Site string `json:"site"`
	// Of browsers only. Until is when the browser token ends that it goes back to.
	Origin   string           `json:"origin,omitempty"`
	Contents []wire.Named     `json:"contents,omitempty"`
	Until    *jwt.NumericDate `json:"until,omitempty"`
}

// Identity is who an endpoint token speaks for.
type Identity struct {
	Endpoint wire.EndpointID
	Site     string
	Expires  time.Time
	Visit    *wire.Visit // of a browser; nil for an endpoint that enrolled
}

// Issue makes a token for an endpoint that enrolled.
func (k *Keys) Issue(id wire.EndpointID, site, audience string, now time.Time) (token string, expires time.Time, err error) {
	expires = now.Add(TokenLifetime).Truncate(time.Second)
	token, err = k.sign(claims{Site: site, RegisteredClaims: registered(string(id), audience, now, expires)})
	return token, expires, err
}

// IssueVisitor makes a signaling token for a browser, which ends no later than the
// visit does; ErrToken when that has ended.
func (k *Keys) IssueVisitor(id wire.EndpointID, site string, v wire.Visit, now time.Time) (token string, expires time.Time, err error) {
	if !now.Before(v.Until) {
		return "", expires, fmt.Errorf("%w: the browser token has ended", ErrToken)
	}
	expires = now.Add(TokenLifetime).Truncate(time.Second)
	if expires.After(v.Until) {
		expires = v.Until
	}
	token, err = k.sign(claims{Site: site, RegisteredClaims: registered(string(id), AudienceSignaling, now, expires),
		Origin: v.Origin, Contents: v.Contents, Until: jwt.NewNumericDate(v.Until)})
	return token, expires, err
}

// IssueBrowser makes a browser token, whose end is a whole second; ErrTooLong when it
// would name too much.
func (k *Keys) IssueBrowser(site string, v wire.Visit, now time.Time) (string, error) {
	token, err := k.sign(claims{Site: site, RegisteredClaims: registered("", audienceBrowser, now, v.Until),
		Origin: v.Origin, Contents: v.Contents})
	if err == nil && len(token) > maxBrowserToken {
		err = fmt.Errorf("%w: %d bytes, limit %d", ErrTooLong, len(token), maxBrowserToken)
	}
	return token, err
}

func registered(subject, audience string, now, expires time.Time) jwt.RegisteredClaims {
	return jwt.RegisteredClaims{Issuer: issuer, Subject: subject, Audience: jwt.ClaimStrings{audience},
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires)}
}

func (k *Keys) sign(c claims) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodEdDSA, c).SignedString(k.token)
}

// Identify checks a token made by Issue for the audience, or by IssueVisitor.
func (k *Keys) Identify(token, audience string, now time.Time) (Identity, error) {
	c, err := k.open(token, audience, now)
	if err != nil {
		return Identity{}, err
	}
	who := Identity{Endpoint: wire.EndpointID(c.Subject), Site: c.Site, Expires: c.ExpiresAt.Time}
	if err := who.Endpoint.Check(); err != nil || c.Site == "" {
		return Identity{}, fmt.Errorf("%w: it names no endpoint or no site", ErrToken)
	}
	if c.Origin == "" && c.Contents == nil && c.Until == nil {
		return who, nil
	}
	if c.Origin == "" || c.Until == nil || wire.CheckNamed(c.Contents) != nil {
		return Identity{}, fmt.Errorf("%w: it says too little of a browser", ErrToken)
	}
	who.Visit = &wire.Visit{Origin: c.Origin, Contents: c.Contents, Until: c.Until.Time}
	return who, nil
}

// IdentifyBrowser checks a token made by IssueBrowser, and returns which site it is for
// and what it allows.
func (k *Keys) IdentifyBrowser(token string, now time.Time) (site string, v wire.Visit, err error) {
	c, err := k.open(token, audienceBrowser, now)
	if err != nil {
		return "", v, err
	}
	if c.Site == "" || c.Origin == "" || wire.CheckNamed(c.Contents) != nil {
		return "", v, fmt.Errorf("%w: it names no site, origin or content", ErrToken)
	}
	return c.Site, wire.Visit{Origin: c.Origin, Contents: c.Contents, Until: c.ExpiresAt.Time}, nil
}

// open checks a token's form, signature, audience and time.
func (k *Keys) open(token, audience string, now time.Time) (c claims, err error) {
	if len(token) > maxTokenBytes || strings.ContainsAny(token, "\r\n") { // base64 skips line breaks
		return c, fmt.Errorf("%w: %d bytes, or broken into lines", ErrToken, len(token))
	}
	_, err = jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return k.token.Public(), nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithLeeway(leeway), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now }))
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return c, nil
}

// Challenge makes a nonce for an endpoint to sign. It needs no memory: the nonce
// carries its time and a MAC.
func (k *Keys) Challenge(now time.Time) string {
	text := strconv.FormatInt(now.Unix(), 10) + "." + rand.Text()
	return text + "." + k.mac("nonce", text)
}

// Answered checks that the endpoint's key signed a fresh nonce of this server.
func (k *Keys) Answered(req wire.SessionRequest, key ed25519.PublicKey, now time.Time) error {
	text, mac := req.Nonce, ""
	if i := strings.LastIndexByte(text, '.'); i > 0 {
		text, mac = text[:i], text[i+1:]
	}
	if len(req.Nonce) > 256 || !hmac.Equal([]byte(mac), []byte(k.mac("nonce", text))) {
		return fmt.Errorf("%w: the challenge is not this server's", ErrToken)
	}
	stamp, _, _ := strings.Cut(text, ".")
	made, err := strconv.ParseInt(stamp, 10, 64)
	age := now.Sub(time.Unix(made, 0))
	if err != nil || age > NonceLifetime || age < -leeway { // the clock was set back: it would live longer
		return fmt.Errorf("%w: the challenge is too old", ErrToken)
	}
	if len(key) != ed25519.PublicKeySize || wire.IDOf(key) != req.Endpoint ||
		!ed25519.Verify(key, wire.SessionClaim(req.Nonce), req.Proof) {
		return fmt.Errorf("%w: the challenge was not signed by endpoint %s", ErrToken, req.Endpoint)
	}
	return nil
}

func (k *Keys) mac(purpose, text string) string {
	m := hmac.New(sha256.New, k.secret)
	m.Write([]byte(purpose + "\n" + text))
	return hex.EncodeToString(m.Sum(nil))
}

// SignURL returns path with a signature that is good until expires, however far
// that is: a lease over a slow line takes long.
func (k *Keys) SignURL(path string, expires time.Time) string {
	exp := strconv.FormatInt(expires.Unix(), 10)
	return path + "?" + url.Values{"exp": {exp}, "sig": {k.mac("url", path+"\n"+exp)}}.Encode()
}

// SignRange is SignURL for the bytes of an object from from up to but not including to.
func (k *Keys) SignRange(path string, from, to int64, expires time.Time) string {
	exp, part := strconv.FormatInt(expires.Unix(), 10), fmt.Sprintf("%d-%d", from, to)
	return path + "?" + url.Values{"exp": {exp}, "part": {part}, "sig": {k.mac("url of a part", path+"\n"+exp+"\n"+part)}}.Encode()
}

// Within reports whether a Range header asks for what an address is for, as VerifyURL
// has found its query to be right: for anything, or for one range within the part that
// SignRange named.
func Within(query url.Values, asked string) bool {
	part, bound := query["part"]
	if !bound {
		return true
	}
	from, to, ok1 := numbers(part[0])
	first, last, ok2 := numbers(strings.TrimPrefix(asked, "bytes="))
	return ok1 && ok2 && strings.HasPrefix(asked, "bytes=") && from <= first && first <= last && last < to
}

// numbers reads two whole numbers as "1-2".
func numbers(s string) (a, b int64, ok bool) {
	x, y, found := strings.Cut(s, "-")
	first, err1 := strconv.ParseUint(x, 10, 62)
	second, err2 := strconv.ParseUint(y, 10, 62)
	return int64(first), int64(second), found && err1 == nil && err2 == nil
}

// VerifyURL checks the query of a URL that SignURL or SignRange made for path.
func (k *Keys) VerifyURL(path string, query url.Values, now time.Time) error {
	exp := query.Get("exp")
	mac := k.mac("url", path+"\n"+exp)
	if part, bound := query["part"]; bound {
		mac = k.mac("url of a part", path+"\n"+exp+"\n"+part[0])
	}
	if !hmac.Equal([]byte(query.Get("sig")), []byte(mac)) {
		return fmt.Errorf("%w: the address is not signed", ErrToken)
	}
	end, err := strconv.ParseInt(exp, 10, 64)
	if err != nil || now.After(time.Unix(end, 0)) {
		return fmt.Errorf("%w: the address has expired", ErrToken)
	}
	return nil
}

// NewSecret makes the secret of an enrolment or API token, and its hash to keep.
func NewSecret() (secret, hash []byte) {
	secret = make([]byte, secretBytes)
	_, _ = rand.Read(secret) // crypto/rand never fails
	return secret, Hash(secret)
}

// Hash is how secrets are kept: they are random, so one SHA-256 is enough.
func Hash(secret []byte) []byte {
	sum := sha256.Sum256(secret)
	return sum[:]
}

const apiTokenPrefix = "sca1."

// APIToken is an operator's token as people copy it.
func APIToken(secret []byte) string {
	return apiTokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
}

// ParseAPIToken returns the secret of an operator's token.
func ParseAPIToken(s string) ([]byte, error) {
	encoding := base64.RawURLEncoding.Strict()
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), apiTokenPrefix)
	if !ok || len(rest) != encoding.EncodedLen(secretBytes) {
		return nil, ErrToken
	}
	secret, err := encoding.DecodeString(rest)
	if err != nil || len(secret) != secretBytes { // line breaks are skipped
		return nil, ErrToken
	}
	return secret, nil
}

// ReadRelaySecret reads a secret that a server shares with a relay.
func ReadRelaySecret(file string) ([]byte, error) {
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the relay's secret: %w", err)
	}
	if secret = bytes.TrimSpace(secret); len(secret) < catalog.MinRelaySecret || len(secret) > catalog.MaxRelaySecret {
		return nil, fmt.Errorf("the secret in %s has %d characters, want %d to %d: make one with `head -c 32 /dev/urandom | base64`",
			file, len(secret), catalog.MinRelaySecret, catalog.MaxRelaySecret)
	}
	return secret, nil
}

// TURN makes relay credentials in the form of the TURN REST API
// (draft-uberti-behave-turn-rest-00): the user name is "expiry:endpoint/site", the
// password its HMAC-SHA1 under the secret shared with the relay. A site is named by
// the beginning of its name's digest: it only has to be the same for all endpoints.
func TURN(secret []byte, id wire.EndpointID, site string, now time.Time) (username, password string) {
	group := sha256.Sum256([]byte(site))
	username = strconv.FormatInt(now.Add(TURNLifetime).Unix(), 10) + ":" + string(id) + "/" + hex.EncodeToString(group[:8])
	m := hmac.New(sha1.New, secret)
	m.Write([]byte(username))
	return username, base64.StdEncoding.EncodeToString(m.Sum(nil))
}
