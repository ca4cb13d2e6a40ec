package catalog

import (
	"context"
	"time"
)

// Lists reads what may be long in pages. A page goes on behind a key of the page before,
// so what is added or removed meanwhile is neither skipped nor repeated. A limit of 0, or
// one beyond MaxPage, is MaxPage. Empty fields of a query select nothing, and text that
// can't be in the catalog is found nowhere.
type Lists interface {
	// FindSites lists by name. SiteNames lists the names alone, from one on.
	FindSites(ctx context.Context, q SitesQuery) ([]Site, error)
	SiteNames(ctx context.Context, from string, limit int) ([]string, error)
	// FindEndpoints lists by id.
	FindEndpoints(ctx context.Context, q EndpointsQuery) ([]Endpoint, error)
	// Contents lists those of which a version is published, by name.
	Contents(ctx context.Context, q ContentsQuery) ([]Content, error)
	// VersionsOf lists the published versions of a content, the newest first, with
	// serials below the one given (0: all), without where their chunks lie and when they
	// were published.
	VersionsOf(ctx context.Context, name string, before uint64, limit int) ([]Version, error)
	// FindDistributions lists the newest first, without the names of their sites, which
	// Distribution reads, too.
	FindDistributions(ctx context.Context, q DistributionsQuery) ([]Listed, error)
	Distribution(ctx context.Context, id int64) (Distribution, error)
	// FindAudit lists entries of the audit log, the newest first.
	FindAudit(ctx context.Context, q AuditQuery) ([]Entry, error)
	// Counts says how much there is of everything.
	Counts(ctx context.Context) (Counts, error)
}

// SitesQuery selects sites.
type SitesQuery struct {
	Prefix string // of the name
	After  string
	Limit  int
}

// EndpointsQuery selects endpoints.
type EndpointsQuery struct {
	Site   string
	Device string
	Text   string // in the name or the device; ASCII letters of either case
	After  string // id
	Limit  int
}

// ContentsQuery selects contents.
type ContentsQuery struct {
	Prefix string // of the name
	After  string
	Limit  int
}

// DistributionsQuery selects distributions.
type DistributionsQuery struct {
	Content string
	Version string
	Sites   []string // those that reach one of them, also because they are for all; none: any
	Before  int64    // id; 0: the newest
	Limit   int
}

// AuditQuery selects entries of the audit log.
type AuditQuery struct {
	By, Action   string
	Text         string // in the target; ASCII letters of either case
	Since, Until time.Time
	Before       int64 // id; 0: the newest
	Limit        int
}

// Content is a name with its published versions.
type Content struct {
	Name     string
	Versions int
	Newest   Version // as VersionsOf lists it
}

// Listed is a distribution in a list.
type Listed struct {
	Distribution
	SiteCount int `json:"site_count"` // that it names; 0 for all
}

// Counts says how much there is.
type Counts struct {
	Sites, Endpoints, Contents, Versions int
}
