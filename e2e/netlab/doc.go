// Package netlab builds small networks of namespaces on one Linux machine: an
// origin host on the far side of the WAN, and sites, each with a router, a LAN
// and endpoints. A WAN link has, in each direction, whatever [Link] names: a rate and
// a queue, which the kernel's token bucket or an emulator in this process gives it;
// and a delay, jitter, loss, reordering, a policer, flapping, CoDel and fair queues,
// which only the emulator has. The kernel counts what crosses it. [Site.SetWAN]
// changes a WAN that runs.
//
// The emulator is a thread between two TUN devices. What becomes of a packet, and
// when, is decided by pure arithmetic on the instants at which packets came, so that
// a thread that runs late errs once and not with every packet. ACCURACY.md says how
// true that is.
//
// It needs root, iproute2, iptables and /dev/net/tun. A network lives as long as
// its [Lab] is open; what a killed process left behind is removed by [Clean],
// which [Start] calls. What runs on the hosts is the caller's business.
package netlab
