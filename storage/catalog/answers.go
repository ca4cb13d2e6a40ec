package catalog

import (
	"context"
	"time"
)

// Answers keeps what changes were answered, for callers that did not hear it and ask
// again. They are sealed: the catalog can't read them. None of it is audited.
type Answers interface {
	// KeepAnswer keeps an answer, in place of one with the same id.
	KeepAnswer(ctx context.Context, a Answer) error
	// Answer returns the one with the id; ErrNotFound where there is none.
	Answer(ctx context.Context, id string) (Answer, error)
	// DropAnswers forgets the answers of before a time, and the oldest of more than most.
	DropAnswers(ctx context.Context, before time.Time, most int) error
}

// Answer is what a change was answered.
type Answer struct {
	ID      string
	Digest  string // of the request
	Sealed  []byte
	Created time.Time
}
