//go:build linux

package netlab

import (
	"errors"
	"fmt"
)

// SetWAN changes the links of a running WAN, and returns when it has. What waits
// goes on waiting and leaves at the new rate, and packets on their way arrive as they
// would have. A queue stays what it is: its AQM can't change. A WAN that the kernel
// shapes can change its rates and queues; for more, plan it as Emulated.
func (s *Site) SetWAN(down, up Link) error {
	if err := s.setWAN(WAN{Down: down, Up: up}); err != nil {
		return fmt.Errorf("change WAN of site %d: %w", s.number, err)
	}
	return nil
}

func (s *Site) setWAN(wan WAN) error {
	if err := errors.Join(wan.Down.check(), wan.Up.check()); err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	old := s.plan.WAN
	wan.Emulated = old.Emulated
	switch {
	case s.front != nil:
		return fmt.Errorf("it has none of its own, and shares that of site %d", s.front.number)
	case s.emulator == nil && wan.emulated():
		return errors.New("it is shaped by the kernel, which has rates and queues only: plan it as Emulated")
	case wan.Down.AQM != old.Down.AQM || wan.Up.AQM != old.Up.AQM:
		return fmt.Errorf("queues are managed by %v and %v, which can't change", old.Down.AQM, old.Up.AQM)
	case s.emulator != nil:
		if err := s.emulator.change(wan); err != nil {
			return err
		}
	default:
		err := errors.Join(
			s.transit.tc(changeBucket(s.uplink, old.Down, wan.Down)...),
			s.Router.tc(changeBucket(wanInterface, old.Up, wan.Up)...))
		if err != nil {
			return err
		}
	}
	s.plan.WAN = wan
	return nil
}

// changeBucket makes the kernel's token bucket on an interface another.
func changeBucket(device string, from, to Link) []string {
	switch {
	case from.Rate > 0 && to.Rate > 0:
		return []string{tokenBucket("change", device, to)}
	case to.Rate > 0:
		return []string{tokenBucket("add", device, to)}
	case from.Rate > 0:
		return []string{"qdisc del dev " + device + " root"}
	}
	return nil
}
