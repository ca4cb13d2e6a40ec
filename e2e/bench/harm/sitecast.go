//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sitecast/sitecast/e2e/rig"
)

// install clones a server that has its content, and starts it and the agents.
func (s *stage) install(from *goods, flags ...string) (*rig.Rig, error) {
	if err := from.clone(s.dir); err != nil {
		return nil, err
	}
	in, err := rig.Start(s.ctx, s.lab, from.exe, s.dir, rig.TLS, flags...)
	if err != nil {
		return nil, err
	}
	for i, site := range s.lab.Sites {
		for k, h := range site.Endpoints {
			if h != s.bystander && err == nil {
				_, err = in.StartAgent(s.ctx, i, k)
			}
		}
	}
	if err == nil {
		err = in.Online(s.ctx)
	}
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

// beside measures what others have while Sitecast delivers. The distribution ends
// with the cell.
func (s *stage) beside(b *bench) (r beside, err error) {
	from, err := b.publish(s.ctx, s.cell.content())
	if err != nil {
		return r, err
	}
	in, err := s.install(from)
	if err != nil {
		return r, err
	}
	defer func() {
		err = errors.Join(err, in.Close())
		if b.keep != "" {
			err = errors.Join(err, in.KeepLogs(filepath.Join(b.keep, s.cell.String())))
		}
	}()
	content := s.cell.content()
	if _, err := in.Sitecast(s.ctx, "distribute", content[0].name+"@1", "--all"); err != nil {
		return r, err
	}
	if r, _, err = s.disturb(); err != nil {
		return r, err
	}
	if r.WebP50, r.WebP95, err = s.browse(); err != nil {
		return r, err
	}
	flows, err := in.Flows(s.ctx)
	if err != nil || len(flows) != 1 {
		return r, errors.Join(err, fmt.Errorf("%d flows", len(flows)))
	}
	r.OriginBytes, r.ContentBytes = flows[0].BytesOrigin, content[0].size
	if flows[0].State != "running" || r.OriginBytes > r.ContentBytes*99/100 {
		return r, fmt.Errorf("the flow is %s (%s) before the cell is over, with %d of %d bytes from the origin",
			flows[0].State, flows[0].Reason, r.OriginBytes, r.ContentBytes)
	}
	return r, nil
}

// temporary is the folder for what outlives a run.
func temporary() string { return filepath.Join(os.TempDir(), "sitecast-harm") }
