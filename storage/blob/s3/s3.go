// Package s3 keeps the objects of a blob.Store in a bucket of Amazon S3 or of a service
// with the same interface, each as PREFIX/DIGEST. An object gets its name when all of it
// has arrived and was checked: small ones are checked before they are sent, large ones go
// in parts, which the service puts together only at the end. So nobody sees half of one,
// and no more than a part of each of a few uploads is in memory.
//
// Others can be given addresses that the bucket itself serves, for a range and a time.
package s3

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/content"
)

// Limits and delays.
const (
	// partBytes is how much of an upload is in memory, and what is sent again when a
	// request fails; services take parts from 5 MiB on.
	partBytes = 8 << 20
	// maxUploads bounds the uploads at a time; more wait.
	maxUploads = 8
	// maxTries is how often a request is made that fails for a reason that may pass, with
	// up to a second in between.
	maxTries = 5
	// stallTimeout ends a request on whose connection nothing moves for so long.
	stallTimeout = time.Minute
	openTimeout  = 30 * time.Second
	abortTimeout = 10 * time.Second
	// abandoned is when the parts of an upload that was not ended are deleted.
	abandoned = 24 * time.Hour
	// maxSigned is how long a service lets an address be good.
	maxSigned = 7 * 24 * time.Hour
)

// probe is the name of the object that tells at the start whether there may be some.
const probe = "probe"

// Store is a blob.Store in a bucket.
type Store struct {
	// Set by Open, then constant.
	at      Location
	core    minio.Core
	public  *minio.Client // signs addresses
	http    *http.Transport
	part    int64
	uploads chan struct{} // holds one for each upload under way
}

var (
	_ blob.Store  = (*Store)(nil)
	_ blob.Signer = (*Store)(nil)
)

// Open opens the store at a location, with the key in the environment (AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY) or in the file that AWS_SHARED_CREDENTIALS_FILE
// names (the profile AWS_PROFILE of it). It asks for an object, makes one and deletes it, so
// that what stands in the way is said now. through makes requests, for tests; nil: the
// network.
func Open(ctx context.Context, at Location, through http.RoundTripper) (*Store, error) {
	ctx, stop := context.WithTimeout(ctx, openTimeout)
	defer stop()
	key, err := key()
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", at.Bucket, err)
	}
	s := &Store{at: at, part: partBytes, uploads: make(chan struct{}, maxUploads)}
	if through == nil {
		dial := &net.Dialer{Timeout: openTimeout}
		s.http = &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: maxUploads, IdleConnTimeout: stallTimeout,
			TLSHandshakeTimeout: openTimeout, ResponseHeaderTimeout: stallTimeout, DisableCompression: true,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := dial.DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return moving{conn}, nil
			}}
		through = s.http
	}
	opts := minio.Options{Creds: key, Region: at.Region, Transport: through, MaxRetries: maxTries}
	opts.Secure = at.At.Scheme == "https"
	if s.core.Client, err = minio.New(at.At.Host, &opts); err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", at.Bucket, err)
	}
	public := cmp.Or(at.Public, at.At)
	opts.Secure = public.Scheme == "https"
	if s.public, err = minio.New(public.Host, &opts); err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", at.Bucket, err)
	}
	if err := s.try(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open bucket %s at %s: %w", at.Bucket, at.At, err), s.Close())
	}
	return s, nil
}

// key finds the key to the bucket.
func key() (*credentials.Credentials, error) {
	found := credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}})
	value, err := found.GetWithContext(&credentials.CredContext{})
	switch {
	case err != nil:
		return nil, err
	case value.AccessKeyID == "" || value.SecretAccessKey == "":
		return nil, errors.New("there is no key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file with AWS_SHARED_CREDENTIALS_FILE")
	case value.SessionToken != "":
		return nil, errors.New("the key is of a session, which ends while the server runs: make one that lasts")
	}
	return credentials.NewStaticV4(value.AccessKeyID, value.SecretAccessKey, ""), nil
}

// try finds out whether the store can work, and deletes what uploads left that were never
// ended.
func (s *Store) try(ctx context.Context) error {
	for info := range s.core.ListObjectsIter(ctx, s.at.Bucket, minio.ListObjectsOptions{Prefix: s.at.Prefix, MaxKeys: 1}) {
		if info.Err != nil {
			return explain(info.Err)
		}
		break
	}
	if _, err := s.core.PutObject(ctx, s.at.Bucket, s.at.Prefix+probe, strings.NewReader(""), 0, "", "", minio.PutObjectOptions{}); err != nil {
		return explain(err)
	}
	if err := s.core.RemoveObject(ctx, s.at.Bucket, s.at.Prefix+probe, minio.RemoveObjectOptions{}); err != nil {
		return explain(err)
	}
	// Not all services and keys can do that; a lifecycle rule of the bucket does it, too.
	for left := range s.core.ListIncompleteUploads(ctx, s.at.Bucket, s.at.Prefix, true) {
		if left.Err == nil && time.Since(left.Initiated) > abandoned {
			_ = s.core.AbortMultipartUpload(ctx, s.at.Bucket, left.Key, left.UploadID)
		}
	}
	return ctx.Err()
}

// Close closes connections that wait for the next request.
func (s *Store) Close() error {
	if s.http != nil {
		s.http.CloseIdleConnections()
	}
	return nil
}

func (s *Store) name(digest content.Digest) string { return s.at.Prefix + digest.String() }

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, digest content.Digest, size int64, r io.Reader) error {
	if err := s.put(ctx, digest, size, r); err != nil {
		return fmt.Errorf("put object %s: %w", digest, explain(err))
	}
	return nil
}

func (s *Store) put(ctx context.Context, digest content.Digest, size int64, r io.Reader) error {
	info, err := s.core.StatObject(ctx, s.at.Bucket, s.name(digest), minio.StatObjectOptions{})
	if err == nil {
		if info.Size != size {
			return &blob.MismatchError{Want: digest, WantBytes: size, Got: digest, GotBytes: info.Size}
		}
		return nil
	}
	if err = explain(err); !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	case <-ctx.Done():
		return ctx.Err()
	}
	object := blob.Checked(ctx, digest, size, r)
	if size > s.part {
		return s.putParts(ctx, s.name(digest), size, object)
	}
	data := bytes.NewBuffer(make([]byte, 0, max(size, 0)+bytes.MinRead))
	if _, err := data.ReadFrom(object); err != nil {
		return err
	}
	_, err = s.core.PutObject(ctx, s.at.Bucket, s.name(digest), bytes.NewReader(data.Bytes()), size, "", digest.String(), minio.PutObjectOptions{})
	return err
}

// putParts sends an object in parts, each read before it is sent, so that it can be sent
// again.
func (s *Store) putParts(ctx context.Context, name string, size int64, object io.Reader) (err error) {
	upload, err := s.core.NewMultipartUpload(ctx, s.at.Bucket, name, minio.PutObjectOptions{})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // what can't be aborted now is when the store is opened again
			ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
			defer stop()
			_ = s.core.AbortMultipartUpload(ctx, s.at.Bucket, name, upload)
		}
	}()
	var parts []minio.CompletePart
	buffer := make([]byte, s.part)
	for at := int64(0); at < size; at += s.part {
		data := buffer[:min(s.part, size-at)]
		if _, err := io.ReadFull(object, data); err != nil {
			return err
		}
		part, err := s.core.PutObjectPart(ctx, s.at.Bucket, name, upload, len(parts)+1, bytes.NewReader(data), int64(len(data)),
			minio.PutObjectPartOptions{Sha256Hex: content.Sum(data).String()})
		if err != nil {
			return err
		}
		parts = append(parts, minio.CompletePart{PartNumber: part.PartNumber, ETag: part.ETag})
	}
	_, err = s.core.CompleteMultipartUpload(ctx, s.at.Bucket, name, upload, parts, minio.PutObjectOptions{})
	return err
}

// Open implements blob.Store.
func (s *Store) Open(ctx context.Context, digest content.Digest) (blob.Object, int64, error) {
	info, err := s.core.StatObject(ctx, s.at.Bucket, s.name(digest), minio.StatObjectOptions{})
	if err != nil {
		return nil, 0, fmt.Errorf("open object %s: %w", digest, explain(err))
	}
	return newObject(ctx, s, digest, info.Size), info.Size, nil
}

// Has implements blob.Store.
func (s *Store) Has(ctx context.Context, digest content.Digest) (bool, error) {
	_, err := s.core.StatObject(ctx, s.at.Bucket, s.name(digest), minio.StatObjectOptions{})
	if err == nil {
		return true, nil
	}
	if err = explain(err); errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	return false, fmt.Errorf("look for object %s: %w", digest, err)
}

// Delete implements blob.Store. The service does not say whether there was an object, so
// it is asked before.
func (s *Store) Delete(ctx context.Context, digest content.Digest) error {
	_, err := s.core.StatObject(ctx, s.at.Bucket, s.name(digest), minio.StatObjectOptions{})
	if err == nil {
		err = s.core.RemoveObject(ctx, s.at.Bucket, s.name(digest), minio.RemoveObjectOptions{})
	}
	if err != nil {
		return fmt.Errorf("delete object %s: %w", digest, explain(err))
	}
	return nil
}

// List implements blob.Store. What has another name than an object is passed over.
func (s *Store) List(ctx context.Context) iter.Seq2[content.Digest, error] {
	return func(yield func(content.Digest, error) bool) {
		for info := range s.core.ListObjectsIter(ctx, s.at.Bucket, minio.ListObjectsOptions{Prefix: s.at.Prefix}) {
			if info.Err != nil {
				yield(content.Digest{}, fmt.Errorf("list objects: %w", explain(info.Err)))
				return
			}
			digest, err := content.ParseDigest(strings.TrimPrefix(info.Key, s.at.Prefix))
			if err == nil && !yield(digest, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil { // of which the list alone says nothing
			yield(content.Digest{}, err)
		}
	}
}

// Sign implements blob.Signer. The key is at hand, so nothing is asked of anybody.
func (s *Store) Sign(digest content.Digest, from, to int64, ttl time.Duration) (string, error) {
	seconds := time.Duration(math.Ceil(ttl.Seconds())) * time.Second
	u, err := s.public.PresignHeader(context.Background(), http.MethodGet, s.at.Bucket, s.name(digest),
		max(time.Second, min(seconds, maxSigned)), nil, http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", from, to-1)}})
	if err != nil {
		return "", fmt.Errorf("sign object %s: %w", digest, err)
	}
	return u.String(), nil
}

// moving is a connection that is given up when nothing moves on it for stallTimeout. What
// goes one way gives who waits for the other its time, too.
type moving struct{ net.Conn }

func (m moving) Read(b []byte) (int, error) {
	if err := m.SetDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	return m.Conn.Read(b)
}

func (m moving) Write(b []byte) (int, error) {
	if err := m.SetDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	return m.Conn.Write(b)
}

// explain says what a service's answer means here, and what to do.
func explain(err error) error {
	answer := minio.ErrorResponse{}
	if !errors.As(err, &answer) {
		return err
	}
	hint := ""
	switch answer.Code {
	case minio.NoSuchKey:
		return blob.ErrNotFound
	case minio.NoSuchBucket:
		hint = "there is no such bucket: create it, or check its name and region in --packs"
	case minio.InvalidAccessKeyID, minio.SignatureDoesNotMatch, "InvalidToken", "ExpiredToken":
		hint = "the key is refused: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the file that AWS_SHARED_CREDENTIALS_FILE names"
	case minio.AccessDenied:
		hint = "the key may not do this: it needs s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload"
	case minio.RequestTimeTooSkewed:
		hint = "this machine's clock is not the service's: set it, by NTP for example"
	case "AuthorizationHeaderMalformed", "InvalidRegion", "PermanentRedirect":
		hint = "the bucket is in another region: name it with region= in --packs"
	}
	if hint == "" {
		return err
	}
	return fmt.Errorf("%s (%w)", hint, err)
}
