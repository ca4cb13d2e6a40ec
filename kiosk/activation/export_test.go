package activation

// MaxFailed is exported for tests.
const MaxFailed = maxFailed
