//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/storage/catalog"
)

// api speaks to the server as an operator.
type api struct {
	base  *url.URL
	token string
	http  *http.Client
}

func newAPI(base *url.URL, token string, config *tls.Config) api {
	return api{base, token, &http.Client{Transport: &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: 8}}}
}

// call makes a request, and reads the answer into out unless that is nil. What conflicts is
// there already.
func (a api) call(ctx context.Context, method, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	resp, err := a.send(ctx, method, path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, err = io.ReadAll(resp.Body); err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusConflict {
		return fmt.Errorf("%s %s answered %d %.300s", method, path, resp.StatusCode, text)
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (a api) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	at, err := a.base.Parse(path)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	return a.http.Do(req)
}

// order changes desired state, and returns the generation from which on it is obeyed.
func (a api) order(ctx context.Context, path string, in any) (uint64, error) {
	var change struct{ Generation uint64 }
	err := a.call(ctx, http.MethodPost, "/api/v1"+path, in, &change)
	return change.Generation, err
}

// overview is what the server says of all.
type overview struct {
	Online int            `json:"endpoints_online"`
	Flows  map[string]int `json:"flows"`
	WANBPS int64          `json:"wan_bps"`
}

func (a api) overview(ctx context.Context) (o overview, err error) {
	err = a.call(ctx, http.MethodGet, "/api/v1/overview", nil, &o)
	return o, err
}

// admit makes sites, the map of networks and tokens to enrol with, by whether who enrols
// with them roams.
func (b *bench) admit(ctx context.Context) ([]map[bool]string, error) {
	tokens := make([]map[bool]string, b.plan.Places)
	for i := range tokens {
		at := b.plan.Place(i)
		if err := b.api.call(ctx, http.MethodPost, "/api/v1/sites", map[string]any{"name": at.Name}, nil); err != nil {
			return nil, err
		}
		tokens[i] = map[bool]string{}
		for _, roaming := range []bool{false, true} {
			var out bytes.Buffer
			err := operator.Enrol{Remote: b.remote(&out), Site: at.Name, Uses: 250, TTL: 24 * time.Hour, Roaming: roaming}.Run(ctx)
			if err != nil {
				return nil, err
			}
			tokens[i][roaming] = out.String()
		}
	}
	var csv bytes.Buffer
	csv.WriteString("cidr,site,kind\n")
	for _, n := range b.plan.Networks() {
		fmt.Fprintf(&csv, "%s,%s,%s\n", n.CIDR, n.Site, catalog.NetworkEgress)
	}
	path := filepath.Join(b.dir, "networks.csv")
	if err := os.WriteFile(path, csv.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return tokens, operator.NetworkImport{Remote: b.remote(io.Discard), File: path}.Run(ctx)
}

// remote is how an operator's command reaches the server.
func (b *bench) remote(out io.Writer) operator.Remote {
	return operator.Remote{Server: b.api.base.String(), TokenFile: b.token, CAFile: b.ca, Stdout: out, Stderr: io.Discard}
}
