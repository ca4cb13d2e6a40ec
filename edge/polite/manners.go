package polite

import "context"

// Manners shares disk and processor with others: what is written or read needs both, what
// is sent to a peer the processor. Its methods are those of its keepers.
type Manners struct {
	Disk, Processor *Keeper
}

// Take waits until n bytes may be written or read. What is urgent does not wait.
func (m Manners) Take(ctx context.Context, n int, urgent bool) error {
	if err := m.Disk.Take(ctx, n, urgent); err != nil {
		return err
	}
	return m.Processor.Take(ctx, n, urgent)
}

// Lend waits until n bytes may be sent to a peer. What is urgent does not wait.
func (m Manners) Lend(ctx context.Context, n int, urgent bool) error {
	return m.Processor.Take(ctx, n, urgent)
}

// Calm waits until nobody else needs the disk; told, which may be nil, hears each time
// why it is not so yet.
func (m Manners) Calm(ctx context.Context, told func(why string)) error {
	return m.Disk.Calm(ctx, told)
}
