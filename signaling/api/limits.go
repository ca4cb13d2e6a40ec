package api

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/time/rate"
)

// Limits are how much may be asked. Each allows so many requests a second in the long run,
// and Burst at once. One whose PerSecond is 0 is the usual one.
type Limits struct {
	Read    Limit // requests that change nothing, of who has one name
	Change  Limit // those that do
	Address Limit // requests of all kinds from one address, or one /64 of IPv6
}

// Limit is one of Limits.
type Limit struct {
	PerSecond float64
	Burst     int
}

// Usual are limits that a person with scripts does not meet, and a script gone wild does.
var Usual = Limits{Read: Limit{100, 2000}, Change: Limit{50, 2000}, Address: Limit{500, 5000}}

// Unlimited are limits that nobody meets.
var Unlimited = Limits{Read: Limit{1e9, math.MaxInt32}, Change: Limit{1e9, math.MaxInt32}, Address: Limit{1e9, math.MaxInt32}}

// LimitsOf are limits like the usual ones under which one name may read so often a second;
// 0: none.
func LimitsOf(perSecond int) Limits {
	if perSecond == 0 {
		return Unlimited
	}
	scale := float64(perSecond) / Usual.Read.PerSecond
	scaled := func(l Limit) Limit { return Limit{l.PerSecond * scale, max(int(float64(l.Burst)*scale), 1)} }
	return Limits{scaled(Usual.Read), scaled(Usual.Change), scaled(Usual.Address)}
}

// maxBuckets bounds what is remembered of who asked, for each limit. When more ask at once,
// those that are not remembered share what one may ask.
const maxBuckets = 10_000

// bucketsEvery is how often it is looked for those who need not be remembered.
const bucketsEvery = time.Second

// ration is a limit, and what is left of it to whom.
type ration struct {
	name  string
	limit Limit

	// mu guards the rest.
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
	others  *rate.Limiter
	swept   time.Time
}

func newRation(name string, limit, usual Limit) *ration {
	if limit.PerSecond == 0 {
		limit = usual
	}
	r := &ration{name: name, limit: limit, buckets: map[string]*rate.Limiter{}}
	r.others = r.bucket()
	return r
}

func (r *ration) bucket() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(r.limit.PerSecond), r.limit.Burst)
}

// take takes one request of who's and returns how many are left. Where there is none it
// returns how long to wait for one.
func (r *ration) take(who string, now time.Time) (left float64, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.buckets[who]
	if b == nil {
		if len(r.buckets) >= maxBuckets && now.Sub(r.swept) >= bucketsEvery {
			r.swept = now
			r.sweep(now)
		}
		if len(r.buckets) >= maxBuckets {
			b = r.others
		} else {
			b = r.bucket()
			r.buckets[who] = b
		}
	}
	if b.AllowN(now, 1) {
		return b.TokensAt(now), 0
	}
	missing := 1 - b.TokensAt(now)
	return 0, time.Duration(missing / r.limit.PerSecond * float64(time.Second))
}

// sweep forgets those who may ask as much as if they had never asked. mu is held.
func (r *ration) sweep(now time.Time) {
	for who, b := range r.buckets {
		if b.TokensAt(now) >= float64(r.limit.Burst) {
			delete(r.buckets, who)
		}
	}
}

// headers says what is left (draft-ietf-httpapi-ratelimit-headers).
func (r *ration) headers(set func(name, value string), left float64) {
	full := func(missing float64) int64 { return int64(math.Ceil(missing / r.limit.PerSecond)) }
	burst := float64(r.limit.Burst)
	set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", r.name, r.limit.Burst, max(full(burst), 1)))
	set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", r.name, int64(left), full(burst-left)))
}

// pass takes one request, or answers that there were too many.
func (s *server) pass(ctx huma.Context, r *ration, who string, next func(huma.Context)) {
	left, wait := r.take(who, time.Now())
	r.headers(ctx.SetHeader, left)
	if wait > 0 {
		seconds := int64(math.Ceil(wait.Seconds()))
		ctx.SetHeader("Retry-After", strconv.FormatInt(seconds, 10))
		s.write(ctx, &Problem{Status: http.StatusTooManyRequests, Code: "too_many_requests",
			Detail: fmt.Sprintf("too many requests: %s allows %g a second and %d at once", r.name, r.limit.PerSecond, r.limit.Burst),
			Hint:   fmt.Sprintf("wait %d s, and ask less often", seconds)})
		return
	}
	next(ctx)
}

// fromAddress bounds what one address may ask, whoever it is.
func (s *server) fromAddress(ctx huma.Context, next func(huma.Context)) {
	s.pass(ctx, s.address, network(ctx.RemoteAddr()).String(), next)
}

// rationed bounds what may be asked in one name.
func (s *server) rationed(ctx huma.Context, next func(huma.Context)) {
	r := s.change
	if ctx.Method() == http.MethodGet {
		r = s.read
	}
	s.pass(ctx, r, actor(ctx.Context()), next)
}
