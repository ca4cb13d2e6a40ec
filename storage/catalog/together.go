package catalog

import "context"

// Together makes several changes one.
type Together interface {
	// Together runs f. All changes that f makes with the context it is given are kept
	// together once f returns nil, or not at all: nobody else sees them before. What f reads
	// with that context it finds as it changed it. From its first change on f holds up all
	// others, so it must not wait for anybody who changes something with another context.
	// A change that fails undoes itself alone, and f may go on. The context is good for one
	// goroutine, until f returns. The error is that of f, or says why nothing was kept.
	Together(ctx context.Context, f func(context.Context) error) error
}

type apartKey struct{}

// Apart returns a context whose changes are kept each by itself, as long as none was made
// together with ctx: what is good to know whatever becomes of the rest, and is noted between
// waits for others, during which nobody shall be held up.
func Apart(ctx context.Context) context.Context { return context.WithValue(ctx, apartKey{}, true) }

// IsApart reports whether a context comes from Apart.
func IsApart(ctx context.Context) bool { return ctx.Value(apartKey{}) != nil }
