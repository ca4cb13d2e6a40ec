package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// auditPage is how many entries one request asks for.
const auditPage = catalog.MaxPage

// Audit is `sitecast audit`.
type Audit struct {
	Remote
	JSON   bool   `name:"json" help:"Print JSON, an entry a line."`
	Limit  int    `help:"How many entries to print, newest first (0: all)." default:"50" placeholder:"N"`
	Verify bool   `help:"Print nothing of them, and check all of the log: that no entry was altered, taken out or moved."`
	Expect string `help:"With --verify: what it said before, so that it is also checked that what was there then still is." placeholder:"ID:HASH"`
}

// Help is the long help with an example.
func (Audit) Help() string {
	return `Shows who did what, when, from where, and what was before and after.

Each entry has a hash over its fields and the hash of the one before. --verify reads all of
the log and computes them anew, here, and then says where the log ends. Keep that somewhere
else: who controls the database could write all of it anew, and --expect tells.

Examples:
  sitecast audit
  sitecast audit --json --limit 0 > audit.jsonl
  sitecast audit --verify --expect 812:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`
}

// Validate refuses what makes no sense.
func (c Audit) Validate() error {
	if c.Limit < 0 {
		return fmt.Errorf("--limit %d: give a number of entries, or 0 for all", c.Limit)
	}
	if c.Expect != "" && !c.Verify {
		return errors.New("--expect goes with --verify")
	}
	_, err := c.expected()
	return err
}

// expected is what --expect names.
func (c Audit) expected() (known []catalog.AuditHead, err error) {
	if c.Expect == "" {
		return nil, nil
	}
	number, hash, _ := strings.Cut(c.Expect, ":")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil || id < 1 || len(hash) != 64 {
		return nil, fmt.Errorf("--expect %.100q: give what --verify printed, ID:HASH", c.Expect)
	}
	return []catalog.AuditHead{{ID: id, Hash: hash}}, nil
}

// Run prints or checks the log.
func (c Audit) Run(ctx context.Context) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	defer server.close()
	if c.Verify {
		return c.verify(ctx, server)
	}
	entries, err := server.audit(ctx, c.Limit)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	if c.JSON {
		return c.printLines(entries)
	}
	t := tabwriter.NewWriter(c.stdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ENTRY\tWHEN\tWHO\tFROM\tACTION\tTARGET\tBEFORE\tAFTER")
	for _, e := range entries {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.At.Local().Format(time.DateTime), e.By, cmp.Or(e.Address, "-"), e.Action, e.Target,
			cmp.Or(shortened(e.Before), "-"), cmp.Or(shortened(e.After), e.Detail, "-"))
	}
	return t.Flush()
}

// auditCell bounds what a table shows of a value, in bytes.
const auditCell = 60

func shortened(value []byte) string {
	if len(value) <= auditCell {
		return string(value)
	}
	return strings.ToValidUTF8(string(value[:auditCell]), "") + "…"
}

// audit reads the newest entries, 0 for all.
func (c *client) audit(ctx context.Context, limit int) (all []catalog.Entry, err error) {
	for {
		before := int64(0)
		if len(all) > 0 {
			before = all[len(all)-1].ID
		}
		want := auditPage
		if limit > 0 {
			want = min(want, limit-len(all))
		}
		page, err := c.auditPage(ctx, before, want)
		if all = append(all, page...); err != nil || len(page) < want || len(all) == limit {
			return all, err
		}
	}
}

func (c *client) auditPage(ctx context.Context, before int64, limit int) (page []catalog.Entry, err error) {
	query := url.Values{"before": {strconv.FormatInt(before, 10)}, "limit": {strconv.Itoa(limit)}}
	return page, c.call(ctx, http.MethodGet, "/audit", query, nil, &page)
}

// verify computes the chain anew from what the server tells.
func (c Audit) verify(ctx context.Context, server *client) error {
	known, err := c.expected()
	if err != nil {
		return err
	}
	var last catalog.AuditHead
	if err := server.call(ctx, http.MethodGet, "/audit/head", nil, nil, &last); err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	if last.ID > 0 {
		known = append(known, last)
	}
	head, err := catalog.VerifyAudit(func(before int64) ([]catalog.Entry, error) { return server.auditPage(ctx, before, auditPage) }, known...)
	if err != nil {
		return err
	}
	if c.JSON {
		return c.printJSON(head)
	}
	c.say("The audit log is whole. It ends with\n%d:%s", head.ID, head.Hash)
	return nil
}

// printLines prints values as JSON, one a line.
func (c Audit) printLines(entries []catalog.Entry) error {
	e := json.NewEncoder(c.stdout())
	for _, entry := range entries {
		if err := e.Encode(entry); err != nil {
			return err
		}
	}
	return nil
}
