package s3

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// Scheme begins the address of a bucket.
const Scheme = "s3"

// Location is a place in a bucket, and how to get there.
type Location struct {
	Bucket string
	Prefix string   // of the names of objects; "" or ends in "/"
	Region string   // never empty
	At     *url.URL // the service that has the bucket
	// Public is the service as endpoints reach it, which may be by another name or through
	// a proxy; nil: they reach At, or nothing is fetched from the bucket by others.
	Public *url.URL
	// Relayed: endpoints fetch through the server, not from the bucket.
	Relayed bool
}

// The parameters of an address.
const (
	paramEndpoint = "endpoint"
	paramRegion   = "region"
	paramPublic   = "public"
	paramServe    = "serve"

	serveBucket = "bucket"
	serveServer = "server"
)

// defaultRegion is what services take that have no regions, and Amazon's first.
const defaultRegion = "us-east-1"

// maxPrefix, in bytes, keeps signed addresses short, which leases carry.
const maxPrefix = 256

const example = "s3://BUCKET/PREFIX?endpoint=https://s3.example:9000&region=eu-central-1"

var errKey = errors.New("keys do not belong into the address of the bucket, which others on this machine can see: " +
	"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file with AWS_SHARED_CREDENTIALS_FILE")

// ParseLocation reads s3://BUCKET/PREFIX?endpoint=URL&region=NAME&public=URL&serve=bucket|server,
// where all behind BUCKET may be left out. Plain http is accepted on loopback, elsewhere
// only where insecure.
func ParseLocation(text string, insecure bool) (l Location, err error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return l, fmt.Errorf("it is not the address of a bucket: write it as %s", example) // and no more, as there may be a key in it
	case u.User != nil:
		return l, errKey
	case u.Scheme != Scheme || u.Opaque != "" || u.Fragment != "":
		return l, fmt.Errorf("%q is not the address of a bucket: write it as %s", text, example)
	}
	if err := s3utils.CheckValidBucketName(u.Host); err != nil {
		return l, fmt.Errorf("bucket %q: %w", u.Host, err)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return l, fmt.Errorf("address of the bucket: %w", err)
	}
	for name, values := range query {
		if !slices.Contains([]string{paramEndpoint, paramRegion, paramPublic, paramServe}, name) || len(values) != 1 {
			return l, fmt.Errorf("address of the bucket: it takes %s, %s, %s and %s, once each, and not %s", paramEndpoint, paramRegion,
				paramPublic, paramServe, name)
		}
	}
	l = Location{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/"), Region: cmp.Or(query.Get(paramRegion), defaultRegion)}
	if len(l.Prefix) > maxPrefix {
		return l, fmt.Errorf("the prefix has %d bytes, limit %d", len(l.Prefix), maxPrefix)
	}
	if l.Prefix != "" {
		l.Prefix += "/"
	}
	switch serve := query.Get(paramServe); serve {
	case "", serveBucket:
	case serveServer:
		l.Relayed = true
	default:
		return l, fmt.Errorf("%s=%s: endpoints fetch from the %s or through the %s", paramServe, serve, serveBucket, serveServer)
	}
	if l.At, err = service(paramEndpoint, cmp.Or(query.Get(paramEndpoint), "https://s3."+l.Region+".amazonaws.com"), insecure); err != nil {
		return l, err
	}
	if public := query.Get(paramPublic); public != "" {
		l.Public, err = service(paramPublic, public, insecure)
	}
	return l, err
}

// service checks the URL of a service.
func service(param, text string, insecure bool) (*url.URL, error) {
	u, err := url.Parse(text)
	if err == nil && u.User != nil {
		return nil, errKey
	}
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s=%s is not a URL such as https://s3.example:9000, without a path", param, text)
	}
	if u.Scheme == "http" && !insecure && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("%s=%s: plain http tells everybody on the way what is stored and how to fetch it: use https, "+
			"or say with --insecure-http that something else protects the path", param, text)
	}
	return u, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
