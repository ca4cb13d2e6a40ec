package pace

// MaxPaced is how many answers are paced at once.
const MaxPaced = maxPaced
