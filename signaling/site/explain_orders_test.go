package site_test

import (
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// orders are situations that come of how a version was ordered, or of where it lies.
var orders = []situation{
	{name: "outside_of_its_own_window", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		h.want.Zone = berlin(h.t)
		h.order(in(h.t, "* 02:00-03:00 open; * closed", a))
		h.open("till")
		h.works(time.Second)
		h.until(time.Date(2000, 1, 1, 0, 59, 59, 0, time.UTC))
		h.works(10 * time.Second)
	}},
	{name: "begins_later", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		begins := time.Now().Add(time.Hour)
		h.open("till")
		h.order(with(a, func(f *site.FlowSpec) { f.NotBefore = begins }))
		h.works(time.Second)
		h.until(begins)
		h.order(a)
		h.works(10 * time.Second)
	}},
	{name: "its_own_cap", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		h.order(capped(a, 0))
		h.open("till")
		h.works(10 * time.Second)
		h.order(capped(a, 20_000))
		h.works(30 * time.Second)
		h.order(a)
		h.works(10 * time.Second)
	}},
	{name: "vendor_fails", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		h.order(outside(a, ""))
		h.open("till")
		h.works(2 * time.Second)
		h.away, h.code = true, "timeout"
		h.works(10 * time.Second)
		h.away = false
		h.works(20 * time.Second)
	}},
	{name: "vendor_changed", q: site.Question{Endpoint: "till"}, do: func(h *forced, a site.FlowSpec) {
		h.order(outside(a, ""))
		h.open("till")
		h.works(2 * time.Second)
		h.away, h.code = true, wire.CodeExternal
		h.works(5 * time.Second)
		h.order(outside(a, "its ETag is another"))
		h.works(5 * time.Second)
	}},
	{name: "vendor_without_an_agent", do: func(h *forced, a site.FlowSpec) {
		h.found("a", a)
		h.order(outside(a, ""))
		tab := h.visit("tab", "a")
		p := progress(a, nil)
		p.Body = true
		tab.say(p)
		h.pass(time.Minute)
		h.open("till")
		h.works(3 * time.Second)
	}},
}
