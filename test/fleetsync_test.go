package test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"calgate/translate"
)

// sync follows the collection, and records what it then holds of the objects whose names begin so. An answer that is not
// whole is as if it had not come.
func (c *fleetClient) sync(prefix string) bool {
	call := c.h.now()
	shown, token, whole, err := c.report(`<D:sync-collection xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:sync-token>` + c.token +
		`</D:sync-token><D:sync-level>1</D:sync-level>` + reportProperties + `</D:sync-collection>`)
	if errors.Is(err, errOldToken) {
		if c.token == "" {
			c.t.Error("the empty sync-token is refused")
		}
		c.h.refused(refusal{c.id, c.asked, c.h.now()})
		c.token = ""
		return false
	}
	if err != nil || !whole {
		return false
	}
	if c.token == "" {
		c.startAgain(shown, call)
	} else if c.follows != "" {
		c.h.count("deltas of " + c.follows)
	}
	if c.follows != "" {
		c.h.count("syncs of " + c.follows)
	}
	c.h.count("syncs")
	c.token, c.asked, c.came = token, call, c.h.now()
	for name, v := range shown {
		if v.value == "" {
			delete(c.held, name)
		} else {
			c.held[name] = v
		}
	}
	if err := c.h.holds(c.held, call); err != nil {
		c.t.Errorf("client %d: %v", c.id, err)
	}
	if prefix != "" {
		for i := range fleetObjects {
			object := fmt.Sprintf("%s%d", prefix, i)
			c.read(object, call, c.held[object])
		}
	}
	return true
}

// startAgain throws away what was held. Where a listing of everything shows something else now, an operation must tell why:
// both are recorded as reads.
func (c *fleetClient) startAgain(shown map[string]version, call int64) {
	if c.asked != 0 {
		both := maps.Clone(c.held)
		maps.Copy(both, shown)
		for object := range both {
			if c.held[object] != shown[object] && strings.HasPrefix(object, "e") {
				c.h.read(c.id, object, c.asked, c.came, c.held[object])
				c.h.read(c.id, object, call, c.h.now(), shown[object])
			}
		}
	}
	c.held = map[string]version{}
}

// read records that an object was shown, or was not, between two moments.
func (h *history) read(client int, object string, call, end int64, v version) {
	o := outcome{404, ""}
	if v.value != "" {
		o = outcome{200, v.value}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.objects[object] = append(h.objects[object], porcupine.Operation{ClientId: client, Input: action{method: "GET"}, Output: o, Call: call, Return: end})
}

// follow syncs all the time, through whichever gateway comes next.
func (c *fleetClient) follow(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.sync(fmt.Sprintf("e%d-", int(time.Since(c.h.begin)/fleetEpoch)))
		}
	}
}

// mailed is when a mail was there for all, when its expunge began, and when nothing of it was left; 0: it was not.
type mailed struct{ there, expunging, gone int64 }

func (h *history) mailed(value string, f func(*mailed)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.mail[value]
	f(&v)
	h.mail[value] = v
}

// holds compares what a client holds that has just asked with what came by mail: each once, none that was gone before it
// asked, and all that were there before and are now.
func (h *history) holds(held map[string]version, asked int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[string]bool{}
	for name, v := range held {
		m, known := h.mail[v.value]
		if gone := m.gone != 0 && m.gone < asked; known && (gone || seen[v.value]) {
			return fmt.Errorf("%s is %s, which was gone, or is there twice", name, v.value)
		}
		seen[v.value] = true
	}
	for value, m := range h.mail {
		if !seen[value] && m.there != 0 && m.there < asked && m.expunging == 0 {
			return fmt.Errorf("%s is not there", value)
		}
	}
	return nil
}

// refusal is a sync-token that was refused: from when it was asked for until it was refused.
type refusal struct {
	client   int
	from, to int64
}

func (h *history) refused(r refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusals = append(h.refusals, r)
	h.counts["tokens refused"]++
	if r.client >= fleetClients {
		h.counts["of them the followers'"]++
	}
}

// renumber records that the server gave a mail another UID meanwhile.
func (h *history) renumber(from, to int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.renumbered = append(h.renumbered, [2]int64{from, to})
	h.counts["mail renumbered"]++
}

// judgeRefusals looks for the reason of every refusal: that the mail program expunged, that the server renumbered what it
// flagged, or that an object changed more often than a version names predecessors. There can be none for the client with the
// token of the calendar that was empty. spare are those of others that may be without a reason.
func (h *history) judgeRefusals(t *testing.T, first, spare int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.refusals {
		expunged := func(m mailed) bool {
			return m.expunging != 0 && m.expunging <= r.to && (m.gone == 0 || m.gone >= r.from)
		}
		renumbered := func(w [2]int64) bool { return w[0] <= r.to && w[1] >= r.from }
		changed := func(all []porcupine.Operation) bool { return changes16(all, r) }
		if r.client == first || !slices.ContainsFunc(h.renumbered, renumbered) && !slices.ContainsFunc(slices.Collect(maps.Values(h.mail)), expunged) &&
			!slices.ContainsFunc(slices.Collect(maps.Values(h.objects)), changed) {
			complain := t.Errorf
			if r.client != first && spare > 0 {
				complain, spare = t.Logf, spare-1
			}
			complain("client %d: a token asked for at %.6f was refused at %.6f, and nothing tells why", r.client, float64(r.from)/1e9, float64(r.to)/1e9)
		}
	}
}

// changes16 tells whether so many writes may have changed an object meanwhile.
func changes16(all []porcupine.Operation, r refusal) bool {
	n := 0
	for _, o := range all {
		status := o.Output.(outcome).status
		if o.Input.(action).method != "GET" && (status == 0 || status/100 == 2) && o.Call <= r.to && o.Return >= r.from {
			n++
		}
	}
	return n > translate.MaxPrev
}

// fleetFollowers is whose deltas are counted.
var fleetFollowers = [...]string{"the follower", "who began to follow later"}

// lacking tells what has not happened, or too seldom for a fleet of so long.
func (h *history) lacking(long time.Duration) (little []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	writes := h.counts["PUT"] + h.counts["DELETE"]
	answered := writes - h.counts["unanswered"]
	if answered < 20 || answered < writes/4 {
		little = append(little, fmt.Sprintf("%d of %d writes were answered", answered, writes))
	}
	for _, who := range fleetFollowers {
		deltas, syncs := h.counts["deltas of "+who], h.counts["syncs of "+who]
		if deltas == 0 || deltas < syncs/10 {
			little = append(little, fmt.Sprintf("%d of the %d syncs of %s were deltas", deltas, syncs, who))
		}
	}
	if n, want := h.counts["troubles"], max(5, int(long/fleetTrouble/8)); n < want {
		little = append(little, fmt.Sprintf("%d troubles of %d", n, want))
	}
	for _, need := range []struct {
		what      string
		of, least int // what is so often may be asked for once
	}{
		{"GET", answered, 0}, {"syncs", answered, 0},
		{"PUT if absent", answered, 100}, {"PUT if match", answered, 100}, {"PUT in any case", answered, 100},
		{"DELETE in any case", answered, 200}, {"DELETE if match", answered, 400},
		{"mail appended", answered, 0}, {"mail copied", answered, 0}, {"mail flagged", answered, 0}, {"mail expunged", answered, 0},
		{"kills", h.counts["troubles"], 5}, {"kills in a write", h.counts["troubles"], 10}, {"cuts", h.counts["troubles"], 5},
		{"cuts of all", h.counts["troubles"], 5}, {"stalls", h.counts["troubles"], 5},
	} {
		if h.counts[need.what] == 0 && need.of >= need.least {
			little = append(little, "no "+need.what)
		}
	}
	return little
}

// happens returns when so much time is over and nothing is lacking, or the context ends.
func (h *history) happens(ctx context.Context, long time.Duration) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for time.Since(h.begin) < long || len(h.lacking(long)) > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
