package operator

import "github.com/sitecast/sitecast/signaling/units"

// Rate is a rate in bits per second; NoRate for none.
type Rate = units.Rate

// NoRate means that nothing bounds the rate.
const NoRate = units.NoRate

func bits(n int64) string      { return units.Bits(n) }
func bytesText(n int64) string { return units.Bytes(n) }
