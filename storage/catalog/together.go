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
