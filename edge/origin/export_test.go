package origin

// CheckRange accepts exactly the range that was asked for.
var CheckRange = checkRange
