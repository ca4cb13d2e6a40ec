//go:build !linux

package governor

var receiver = plainReceiver
