// Command model is an exhaustive interleaving checker for protocols that keep
// calendar objects as messages of an IMAP folder. What readers see and writers
// write is translate's own (bridge.go): Heads, Next, At, Since, Garbage, Expired,
// Droppable, Returning, Unmoved. In every folder that comes up it is held against the reference rule
// in rule.go, which the MISTAKE scenarios switch clauses of.
//
// log.go, props.go, batch.go, pages.go, move.go, overquota.go and folder.go are what
// gateways and others do, spec.go what is checked, scenarios.go where; variants.go holds simpler protocols, which fail. go test
// runs the small scenarios; go run ./test/model prints them, with -big also the
// large ones (minutes).
//
// The folder is a list of messages in UID order. The only atomic server steps
// are the ones the experiments on Dovecot, Cyrus and Courier showed to be
// atomic: a synchronised snapshot (NOOP/SELECT + FETCH), APPEND (gives the next
// UID), UID EXPUNGE of a set, and - in the variants that want it - a flag
// compare-and-swap. Every process may crash before each of its steps. Others
// may expunge, append and copy messages, and move the folder: new UIDVALIDITY,
// new UIDs, everything or any part, in the same order, or as Courier does it: then
// the messages of one second come in any order.
//
// Two kinds of checks:
//
//	race    N writers with the same If-Match; used for every variant
//	        (a) readers see exactly one version in every state
//	        (b) what readers see changes at most once
//	        (c) a 2xx version is what readers see from then on
//	        (d) a 412 version is never seen by a reader
//	spec    the log protocol only: in every state the view function must behave
//	        like an atomic map: only an APPEND changes the view, and only as the
//	        operation's specification says (linearisation point = APPEND);
//	        EXPUNGE never changes the view, nor does a move of the whole folder;
//	        what others append hides nothing that was written here, and the
//	        newest of it is shown; answers agree with the effect;
//	        sync-collection deltas are exact or refused.
//
// MISTAKE and LIMIT are expected to fail: the clause is needed, the case cannot
// be saved.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	stdsync "sync" // sync is an operation of the model

	"golang.org/x/sync/errgroup"
)

func main() {
	big := flag.Bool("big", false, "also the large configurations (minutes)")
	only := flag.String("only", "", "only the scenarios whose title holds this")
	trace := flag.Bool("trace", true, "print counterexamples")
	flag.Parse()
	debug.SetGCPercent(400)
	var (
		explorers errgroup.Group
		printing  stdsync.Mutex
		bad       int
	)
	explorers.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range scenarios(*big) {
		if !strings.Contains(s.title, *only) {
			continue
		}
		explorers.Go(func() error {
			r := s.run()
			printing.Lock()
			defer printing.Unlock()
			unexpected := (r.viol != "") != s.fails
			if unexpected {
				bad++
			}
			fmt.Println(r.line(s))
			if r.viol != "" && (*trace || unexpected) {
				for _, l := range r.trace {
					fmt.Println("      ", l)
				}
			}
			return nil
		})
	}
	explorers.Wait()
	if bad > 0 {
		fmt.Println(bad, "unexpected results")
		os.Exit(1)
	}
}

// line is the result of a scenario in one line.
func (r result) line(s scenario) string {
	verdict, mark := "HOLDS", "as expected"
	if r.viol != "" {
		verdict = "FAILS"
	}
	if (r.viol != "") != s.fails {
		mark = "UNEXPECTED"
	}
	return fmt.Sprintf("%-78s %s (%d states, %d transitions, %.1fs) %s", s.title, verdict, r.states, r.trans, r.dur.Seconds(), mark)
}
