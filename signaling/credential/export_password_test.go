package credential

// Passwords as they are kept, and how many may wait.
var (
	EncodePassword = UsualCost.encode
	DecodePassword = UsualCost.decode
)

// PasswordsWaiting is how many may wait for their turn.
const PasswordsWaiting = passwordsWaiting

// Occupy takes all turns, until free is called.
func Occupy(p *Passwords) (free func()) {
	for range passwordsAtOnce {
		p.at <- struct{}{}
	}
	return func() {
		for range passwordsAtOnce {
			<-p.at
		}
	}
}
