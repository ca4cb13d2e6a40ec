package lan

// SlowLAN is the rate below which a LAN is slow, bytes per second.
const SlowLAN = slowLAN
