package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sitecast/sitecast/storage/policy"
)

// Tag is `sitecast tag`.
type Tag struct {
	Add    TagAdd    `cmd:"" help:"Give a tag to sites and endpoints, and make it where it is not there."`
	Remove TagRemove `cmd:"" help:"Take a tag from sites and endpoints, or remove it."`
	List   TagList   `cmd:"" help:"List tags, and who bears them."`
}

// Bearers are who bears a tag.
type Bearers struct {
	Site     []string `help:"A site (repeatable)." placeholder:"NAME"`
	Endpoint []string `help:"An endpoint: its id, or a name that no other has (repeatable)." placeholder:"NAME"`
}

// TagAdd is `sitecast tag add`.
type TagAdd struct {
	Remote
	Bearers
	Name     string `arg:"" help:"Name of the tag."`
	Priority *int   `help:"Of two tags that say different things the one with the higher priority counts (0 for a new one)." placeholder:"N"`
	DryRun   bool   `help:"Change nothing, and say for which sites and endpoints another value would hold."`
	JSON     bool   `name:"json" help:"Print what is altered as JSON."`
}

// Help is the long help with an example.
func (TagAdd) Help() string {
	return "Example:\n  sitecast tag add rural --priority 10 --site shop-12 --site shop-13"
}

// change is what the flags say.
func (c TagAdd) change() policy.TagChange {
	return policy.TagChange{Name: c.Name, Priority: c.Priority, AddSites: c.Site, AddEndpoints: c.Endpoint}
}

// Validate refuses what can't be a tag.
func (c TagAdd) Validate() error { return c.change().Check() }

// Run gives the tag.
func (c TagAdd) Run(ctx context.Context) error {
	return c.alter(ctx, http.MethodPut, "/tags/"+url.PathEscape(c.Name), c.change(), c.DryRun, c.JSON, "give tag "+c.Name)
}

// TagRemove is `sitecast tag remove`.
type TagRemove struct {
	Remote
	Bearers
	Name   string `arg:"" help:"Name of the tag."`
	Whole  bool   `help:"Remove the tag itself, with all that is set for it."`
	DryRun bool   `help:"Change nothing, and say for which sites and endpoints another value would hold."`
	JSON   bool   `name:"json" help:"Print what is altered as JSON."`
}

// Help is the long help with examples.
func (TagRemove) Help() string {
	return "Examples:\n  sitecast tag remove rural --site shop-12\n  sitecast tag remove rural --whole"
}

// Validate wants to know what to remove.
func (c TagRemove) Validate() error {
	if c.Whole == (len(c.Site)+len(c.Endpoint) > 0) {
		return errors.New("say from whom: --site NAME, --endpoint NAME, or --whole to remove the tag itself")
	}
	return policy.CheckTag(c.Name, 0)
}

// Run takes the tag.
func (c TagRemove) Run(ctx context.Context) error {
	path := "/tags/" + url.PathEscape(c.Name)
	if c.Whole {
		return c.alter(ctx, http.MethodDelete, path, nil, c.DryRun, c.JSON, "remove tag "+c.Name)
	}
	change := policy.TagChange{RemoveSites: c.Site, RemoveEndpoints: c.Endpoint}
	return c.alter(ctx, http.MethodPut, path, change, c.DryRun, c.JSON, "take tag "+c.Name)
}

// TagList is `sitecast tag list`.
type TagList struct {
	Remote
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is the long help with an example.
func (TagList) Help() string { return "Example:\n  sitecast tag list --json" }

// Run lists the tags.
func (c TagList) Run(ctx context.Context) error {
	return show(ctx, c.Remote, c.JSON, "tags", "/tags", "TAG\tPRIORITY\tSITES\tENDPOINTS", func(tag policy.Tagged) string {
		return fmt.Sprintf("%s\t%d\t%s\t%d", tag.Name, tag.Priority, strings.Join(tag.Sites, " "), len(tag.Endpoints))
	})
}
