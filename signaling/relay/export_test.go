package relay

import "github.com/pion/turn/v5"

// Authenticate is whom a relay with that secret takes a user for.
func Authenticate(secret []byte, req *turn.RequestAttributes) (user string, key []byte, ok bool) {
	return (&Relay{cfg: Config{Secret: secret}}).authenticate(req)
}

// Answer is what a reflector answers to what lay there for a while, nil for nothing.
var Answer = reflect
