package credential

// What key files hold.
var (
	ParsePrivate = parsePrivate
	ParsePublic  = parsePublic
)
