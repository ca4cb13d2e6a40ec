package origin

// CheckRange accepts exactly the range that was asked for.
var CheckRange = checkRange

// CanClamp says whether this system clamps windows.
const CanClamp = canClamp
