// Package netlab builds small networks of namespaces on one Linux machine: an
// origin host on the far side of the WAN, and sites, each with a router, a LAN
// and endpoints. A WAN link has a rate, a queue, a delay and a loss in each
// direction, either by the kernel's token bucket or by an emulator in this
// process, and the kernel counts what crosses it.
//
// It needs root, iproute2, iptables and /dev/net/tun. A network lives as long as
// its [Lab] is open; what a killed process left behind is removed by [Clean],
// which [Start] calls. What runs on the hosts is the caller's business.
package netlab
