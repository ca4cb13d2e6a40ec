package engine

import "github.com/sitecast/sitecast/signaling/wire"

// placed takes in at which site the endpoint is, as the server says.
func (e *Engine) placed(w wire.Welcome) {
	if e.site != "" && e.site != w.Site {
		e.depart()
	}
	e.site, e.quarantine = w.Site, w.Quarantine
	e.cfg.Links.SetSite(w.Site)
}

// depart ends what belongs to the site where the endpoint was: its links, because none
// crosses sites, and its leases, which are that site's. What is held stays.
func (e *Engine) depart() {
	e.log.Info("at another site, or at none: links and leases end", "was", e.site, "links", len(e.peers), "leases", len(e.leases))
	for _, l := range e.sorted() {
		e.unlink(l)
		l.Close("at another site")
	}
	e.cancelLeases("at another site") // keepLeases forgets them: nobody hears of them here
}
