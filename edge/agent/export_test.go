package agent

// CheckPin is how a server is recognised by the key its token names.
var CheckPin = checkPin
