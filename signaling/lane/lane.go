// Package lane keeps a server that has more to do than it can from being late with what
// matters. Go's scheduler knows no priorities: when thousands of goroutines can run, each
// waits until all others had their turn, and a change that an operator waits for, which
// passes through a dozen goroutines, waits a dozen times. Most of what a busy server does
// can wait, as the reports of endpoints that get something. Work of that kind takes a place
// in a lane that is as wide as the machine has processors, and all else finds few before it.
package lane

import "runtime"

// Lane is where work goes that can wait. The zero value and nil are lanes without bounds.
type Lane struct{ places chan struct{} }

// New returns a lane as wide as the machine has processors.
func New() *Lane { return &Lane{make(chan struct{}, runtime.GOMAXPROCS(0))} }

// Enter waits for a place. What holds one must not wait for anything that takes one.
func (l *Lane) Enter() {
	if c := l.Places(); c != nil {
		c <- struct{}{}
	}
}

// Places is where a place can be taken by sending, for who waits for other things, too; nil
// where there are no bounds.
func (l *Lane) Places() chan<- struct{} {
	if l == nil {
		return nil
	}
	return l.places
}

// Leave gives the place back.
func (l *Lane) Leave() {
	if l != nil && l.places != nil {
		<-l.places
	}
}
