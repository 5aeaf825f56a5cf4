package imapstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// minSessions is what the learned cap never falls below.
const minSessions = 4

// maxRefused bounds the refused logins that are remembered, and refusedAge how long: one program with an old password must
// not make the server slow down everybody behind this address.
const (
	maxRefused = 10000
	refusedAge = 30 * time.Second
)

// pool holds the logins that are idle and counts those that are lent.
type pool struct {
	o *Options

	mu      sync.Mutex // guards what follows; never held during I/O
	idle    []*conn    // longest idle first
	open    int        // connections that exist or are being made
	byLogin map[string]int
	cap     int       // learned: what the server bears
	learned time.Time // when cap last changed
	refused map[string]time.Time
	freed   chan struct{} // closed whenever a session or a place becomes free
	closed  bool
}

func newPool(o *Options) *pool {
	return &pool{o: o, byLogin: map[string]int{}, cap: o.Sessions, refused: map[string]time.Time{}, freed: make(chan struct{})}
}

var (
	errWait   = errors.New("all IMAP sessions are in use")
	errClosed = errors.New("store is closed")
)

// take gives an idle session of that login, else opens one, else waits for either, as long as patience lasts.
func (p *pool) take(ctx context.Context, key, mailbox string, patience time.Duration, open func(context.Context) (*conn, error)) (c *conn, pooled bool, err error) {
	wait, cancel := context.WithTimeoutCause(ctx, patience, errWait)
	defer cancel()
	for {
		c, victim, freed, err := p.try(key, mailbox)
		if victim != nil {
			victim.quit()
		}
		switch {
		case err != nil:
			return nil, false, err
		case c != nil:
			return c, true, nil
		case freed == nil: // a place is ours
			c, err := p.dial(ctx, key, open)
			if err == nil {
				return c, false, nil
			}
			if victim := p.madeRoom(key, err); victim != nil {
				victim.quit()
				continue
			}
			if freed = p.worthWaiting(key, err); freed == nil {
				return nil, false, err
			}
		}
		select {
		case <-freed:
		case <-wait.Done():
			return nil, false, &Error{Op: "Login", Kind: Unavailable, Err: context.Cause(wait)}
		}
	}
}

// try is one attempt: a session, or a place (all nil), or what to wait for. victim is an idle session that makes the place.
func (p *pool) try(key, mailbox string) (c, victim *conn, freed chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, nil, &Error{Op: "Login", Kind: Unavailable, Err: errClosed}
	}
	now := p.o.Now()
	if t, ok := p.refused[key]; ok {
		if now.Sub(t) < refusedAge {
			return nil, nil, nil, &Error{Op: "Login", Kind: BadCredentials, Err: errors.New("refused a moment ago")}
		}
		delete(p.refused, key)
	}
	if c := p.pick(key, mailbox, now); c != nil {
		return c, nil, nil, nil
	}
	if p.byLogin[key] >= p.o.SessionsPerLogin {
		return nil, nil, p.freed, nil
	}
	if p.open >= p.limit(now) {
		if len(p.idle) == 0 {
			return nil, nil, p.freed, nil
		}
		victim = p.idle[0]
		p.remove(0)
		p.forget(victim.key)
	}
	p.open++
	p.byLogin[key]++
	return nil, victim, nil, nil
}

// pick takes the idle session of key that has mailbox selected, else the one used last. One whose login is too old waits for
// its timer, which is at hand: it is passed over here.
func (p *pool) pick(key, mailbox string, now time.Time) *conn {
	best := -1
	for i, c := range p.idle {
		if !p.fit(c, key, now) {
			continue
		}
		best = i
		if mailbox == "" || c.sel == nil {
			continue
		}
		if name, err := c.server(mailbox); err == nil && name == c.sel.name {
			break
		}
	}
	if best < 0 {
		return nil
	}
	c := p.idle[best]
	p.remove(best)
	return c
}

// fit says whether an idle session may be lent to key.
func (p *pool) fit(c *conn, key string, now time.Time) bool {
	return c.key == key && now.Sub(c.born) < p.o.LoginAge && now.Sub(c.since) < p.o.IdleAge
}

// hasFit says whether an idle session may be lent to key; p.mu is held.
func (p *pool) hasFit(key string) bool {
	now := p.o.Now()
	return slices.ContainsFunc(p.idle, func(c *conn) bool { return p.fit(c, key, now) })
}

// remove takes a session out of the idle ones.
func (p *pool) remove(i int) {
	c := p.idle[i]
	c.expire.Stop()
	p.idle = append(p.idle[:i], p.idle[i+1:]...)
}

// forget counts a connection out and wakes who waits.
func (p *pool) forget(key string) {
	p.open--
	if p.byLogin[key]--; p.byLogin[key] <= 0 {
		delete(p.byLogin, key)
	}
	p.wake()
}

func (p *pool) wake() {
	close(p.freed)
	p.freed = make(chan struct{})
}

// limit is the learned cap, which grows again by one a minute.
func (p *pool) limit(now time.Time) int {
	if n := int(now.Sub(p.learned) / time.Minute); p.cap < p.o.Sessions && n > 0 {
		p.cap = min(p.cap+n, p.o.Sessions)
		p.learned = p.learned.Add(time.Duration(n) * time.Minute)
	}
	return p.cap
}

// dial opens a connection for a place that was taken, and learns from a refusal.
func (p *pool) dial(ctx context.Context, key string, open func(context.Context) (*conn, error)) (*conn, error) {
	c, err := open(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		return c, nil
	}
	p.forget(key)
	p.learn(key, err)
	return nil, err
}

// learn notes a refused login, and halves the cap where the server takes no more sessions; p.mu is held.
func (p *pool) learn(key string, err error) {
	now := p.o.Now()
	if errors.Is(err, errLimited) { // what is open at this moment is what the server does bear
		p.cap = min(p.cap, max(minSessions, p.open, p.limit(now)/2))
		p.learned = now
	}
	if !p.o.NoCache && IsKind(err, BadCredentials) {
		if len(p.refused) >= maxRefused {
			p.sweepRefused(now)
		}
		p.refused[key] = now
	}
}

// sweepRefused makes room: what is too old goes, and where that is nothing, all of it.
func (p *pool) sweepRefused(now time.Time) {
	for k, t := range p.refused {
		if now.Sub(t) >= refusedAge {
			delete(p.refused, k)
		}
	}
	if len(p.refused) >= maxRefused {
		clear(p.refused)
	}
}

// madeRoom gives the longest idle session of anybody, to be ended, where the server takes no more from this address: Courier
// counts neither users nor logins, and closes the connection (MAXPERIP). One of key itself is worth more as it is.
func (p *pool) madeRoom(key string, err error) *conn {
	if !errors.Is(err, errNoGreeting) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 || p.hasFit(key) {
		return nil
	}
	victim := p.idle[0]
	p.remove(0)
	p.forget(victim.key)
	return victim
}

// worthWaiting says what to wait for where the server took no more sessions but one that counts is in use here: of the same
// login, or any at all where it counts addresses.
func (p *pool) worthWaiting(key string, err error) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(err, errLimited) && p.byLogin[key] > 0 || errors.Is(err, errNoGreeting) && p.open > 0 {
		if p.hasFit(key) {
			return closedChannel // given back while the server was asked: nobody may come to wake who waits
		}
		return p.freed
	}
	return nil
}

// closedChannel never lets anybody wait.
var closedChannel = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// put takes a session back; c is nil or spent where there is nothing to keep.
func (p *pool) put(key string, c *conn) {
	if c == nil || c.w.lost() != nil || c.w.doubt != "" && c.sel != nil {
		if c != nil {
			c.abort()
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.forget(key)
		return
	}
	if !p.keep(c) {
		c.quit()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.forget(key)
	}
}

func (p *pool) keep(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Now()
	left := min(p.o.IdleAge, p.o.LoginAge-now.Sub(c.born))
	if p.closed || left <= 0 || p.open > p.limit(now) {
		return false
	}
	c.since = now
	c.expire = time.AfterFunc(left, func() { p.drop(func(x *conn) bool { return x == c }) })
	p.idle = append(p.idle, c)
	p.wake()
	return true
}

// drop ends the idle sessions that f picks.
func (p *pool) drop(f func(*conn) bool) {
	var gone []*conn
	p.mu.Lock()
	for i := 0; i < len(p.idle); {
		if c := p.idle[i]; f(c) {
			p.remove(i)
			p.forget(c.key)
			gone = append(gone, c)
		} else {
			i++
		}
	}
	p.mu.Unlock()
	for _, c := range gone {
		c.quit()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.wake()
	p.mu.Unlock()
	p.drop(func(*conn) bool { return true })
}
