package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/blob/partial"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// Headers of an upload that can be interrupted.
const (
	OffsetHeader   = "Upload-Offset"   // how many bytes are there
	LengthHeader   = "Upload-Length"   // how many the object has
	CompleteHeader = "Upload-Complete" // "true": the origin has the object
)

// partStall bounds how long nothing may come of an upload. What came is kept.
const partStall = time.Minute

// uploaded tells how much there is of an object.
func (s *server) uploaded(w http.ResponseWriter, r *http.Request) {
	digest, err := content.ParseDigest(r.PathValue("digest"))
	if err != nil {
		s.fail(w, r, bad(err.Error(), ""))
		return
	}
	missing, err := s.missing(r.Context(), []content.Digest{digest})
	held := int64(0)
	if err == nil && s.Parts != nil {
		held, err = s.Parts.Held(digest)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set(OffsetHeader, strconv.FormatInt(held, 10))
	w.Header().Set(CompleteHeader, strconv.FormatBool(len(missing) == 0))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// uploadPart goes on with an upload where an earlier one was interrupted.
func (s *server) uploadPart(w http.ResponseWriter, r *http.Request) {
	digest, err := content.ParseDigest(r.PathValue("digest"))
	offset, err2 := strconv.ParseUint(r.Header.Get(OffsetHeader), 10, 62)
	size, err3 := strconv.ParseUint(r.Header.Get(LengthHeader), 10, 62)
	switch {
	case errors.Join(err, err2, err3) != nil || offset > size:
		s.fail(w, r, bad("it is not said which part of the object this is", "send "+OffsetHeader+" and "+LengthHeader+", in bytes"))
		return
	case size > pack.MaxBytes:
		s.fail(w, r, &Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("object of %d bytes, limit %d", size, int64(pack.MaxBytes))})
		return
	case s.Parts == nil:
		s.fail(w, r, &Problem{Status: http.StatusNotImplemented, Detail: "uploads can't be interrupted here", Code: "not_resumable", Hint: "send all of it with PUT"})
		return
	}
	if err := s.Catalog.Uploading(r.Context(), digest); err != nil {
		s.fail(w, r, err)
		return
	}
	times := http.NewResponseController(w)
	_ = times.SetWriteDeadline(time.Now().Add(uploadTimeout + answerTimeout)) // not all writers can
	held, err := s.Parts.Append(r.Context(), digest, int64(size), int64(offset), timelyBody{r.Body, times},
		func() { _ = times.SetReadDeadline(time.Now()) })
	w.Header().Set(OffsetHeader, strconv.FormatInt(held, 10))
	if err != nil {
		s.fail(w, r, partProblem(err))
		return
	}
	complete := held == int64(size)
	if complete {
		s.arrived(r.Context(), digest)
	}
	w.Header().Set(CompleteHeader, strconv.FormatBool(complete))
	w.WriteHeader(http.StatusNoContent)
}

// partProblem says what to do after an upload that failed.
func partProblem(err error) error {
	offset, wrong := new(partial.OffsetError), new(blob.MismatchError)
	switch {
	case errors.As(err, &offset):
		return &Problem{Status: http.StatusConflict, Detail: err.Error(), Code: "wrong_offset", Hint: "ask with HEAD how much is there, and go on from it"}
	case errors.As(err, &wrong):
		return bad(err.Error(), "the object was damaged on the way: upload it again")
	case errors.Is(err, partial.ErrBusy):
		return &Problem{Status: http.StatusServiceUnavailable, Detail: err.Error(), Code: "upload_busy", Hint: "try again in a moment"}
	case errors.Is(err, partial.ErrFull):
		return &Problem{Status: http.StatusInsufficientStorage, Detail: err.Error(), Code: "too_many_uploads",
			Hint: fmt.Sprintf("finish some, or wait: what is left alone for %v goes", partial.Abandoned)}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, os.ErrDeadlineExceeded):
		return &Problem{Status: http.StatusRequestTimeout, Detail: err.Error(), Hint: "go on from where it broke off"}
	}
	return err
}

// timelyBody gives each piece of a body its time.
type timelyBody struct {
	io.Reader
	times *http.ResponseController
}

func (t timelyBody) Read(b []byte) (int, error) {
	_ = t.times.SetReadDeadline(time.Now().Add(partStall)) // not all readers can
	return t.Reader.Read(b)
}
