package rtc_test

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAgentThatRunsForMonthsStillMakesLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		time.Sleep(100 * 24 * time.Hour)
		a.Dial(b.id, 1)
		up(t, a, soon)
		up(t, b, soon)
	})
}
