package operator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
)

// Explain is `sitecast explain`.
type Explain struct {
	Remote
	Flow      string `arg:"" optional:"" name:"content" help:"NAME or NAME@V; without @V the newest at the site. Without any, what --endpoint names."`
	Site      string `help:"The site of the flow." placeholder:"NAME"`
	Endpoint  string `help:"Tell the story of this endpoint's part, or (without a content) of all its flows: its name, its id, or the beginning of that." placeholder:"NAME"`
	Endpoints bool   `help:"Tell also those of all endpoints' parts, up to 100, those first who lack something."`
	JSON      bool   `name:"json" help:"Print the story as JSON."`
}

// Help is the long help with an example.
func (Explain) Help() string {
	return `Says why a flow moves or does not, since when, and what could be done about it; then how
that came about: each change of the reason and of where bytes come from, with times. Codes
stay the same for scripts. The server remembers them since it was started, 64 of a flow and
32 of each endpoint in it.

Examples:
  sitecast explain till-app --site shop-12
  sitecast explain till-app@2 --site shop-12 --endpoint till-4
  sitecast explain --endpoint till-4`
}

// Validate wants a flow at a site, or an endpoint.
func (c Explain) Validate() error {
	if c.Flow == "" {
		if c.Endpoint == "" {
			return errors.New("say what: NAME[@V] --site NAME, or --endpoint NAME")
		}
		return nil
	}
	if c.Site == "" {
		return errors.New("say at which site: --site NAME")
	}
	_, err := parseContent(c.Flow)
	return err
}

// Run asks and prints.
func (c Explain) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	id := ""
	if c.Endpoint != "" {
		e, err := server.endpoint(ctx, c.Endpoint)
		if err != nil {
			return err
		}
		id = string(e.ID)
	}
	if c.Flow == "" {
		var story reason.EndpointStory
		if err := server.call(ctx, http.MethodGet, "/endpoints/explain", url.Values{"endpoint": {id}}, nil, &story); err != nil {
			return fmt.Errorf("explain %s: %w", c.Endpoint, err)
		}
		return c.show(story, func(w *bytes.Buffer) error { return story.Write(w, c.Endpoints, time.Now(), time.Local) })
	}
	ref, err := parseContent(c.Flow)
	if err != nil {
		return err
	}
	query := url.Values{"site": {c.Site}, "content": {ref.Name}}
	for name, value := range map[string]string{"version": ref.Version, "endpoint": id} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if c.Endpoints {
		query.Set("endpoints", "true")
	}
	var story reason.FlowStory
	if err := server.call(ctx, http.MethodGet, "/flows/explain", query, nil, &story); err != nil {
		return fmt.Errorf("explain %s: %w", c.Flow, err)
	}
	return c.show(story, func(w *bytes.Buffer) error { return story.Write(w, time.Now(), time.Local) })
}

// show prints a story. Words of endpoints are in it: what could drive a terminal is not
// printed.
func (c Explain) show(story any, write func(*bytes.Buffer) error) error {
	if c.JSON {
		return c.printJSON(story)
	}
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(c.stdout(), clean(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}
