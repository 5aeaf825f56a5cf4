package calendar_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"calgate/gateway/calendar"
)

// Writers on three gateways race for one state: one wins, and only its version is
// ever seen.
func TestRaces(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		v := g.open(t, 0)
		last, err := v.Put(t.Context(), "a.ics", event("u1", "start"), ifNoneMatch())
		if err != nil {
			t.Fatal(err)
		}
		rounds := 10
		if g.mail.Name == "courier" && os.Getenv("TEST_LONG") == "" {
			rounds = 2 // writers that meet wait a second or two there
		}
		for round := range rounds {
			won := g.race(t, 6, func(ctx context.Context, v *calendar.View, i int) (calendar.Result, error) {
				return v.Put(ctx, "a.ics", event("u1", fmt.Sprintf("round %d writer %d", round, i)), ifMatch(last.ETag))
			})
			if len(won) != 1 {
				t.Fatalf("round %d: %d writers were told that they won", round, len(won))
			}
			for i, r := range won {
				last = r
				mustShow(t, g.open(t, i+1), map[string]string{"a.ics": fmt.Sprintf("round %d writer %d", round, i)})
			}
		}
		for name, write := range map[string]func(context.Context, *calendar.View, int) (calendar.Result, error){
			"one UID for many names": func(ctx context.Context, v *calendar.View, i int) (calendar.Result, error) {
				return v.Put(ctx, fmt.Sprintf("c%d.ics", i), event("u2", "one UID"), ifNoneMatch())
			},
			"one name for many UIDs": func(ctx context.Context, v *calendar.View, i int) (calendar.Result, error) {
				return v.Put(ctx, "d.ics", event(fmt.Sprint("d", i), "one name"), calendar.Condition{})
			},
		} {
			results, errs := g.raced(t, 6, write)
			winner := slices.Index(errs, nil)
			for i, err := range errs {
				var e *calendar.Error
				if winner < 0 || i != winner && (!errors.As(err, &e) || e.Kind != calendar.UIDConflict || e.Name != results[winner].Name) {
					t.Errorf("%s: writer %d won, writer %d is told %v", name, winner, i, err)
				}
			}
		}
	})
}

// race lets n writers look, then write at once; it returns the results of those
// that won. A loser must be told PreconditionFailed or UIDConflict.
func (g *fleet) race(t *testing.T, n int, write func(context.Context, *calendar.View, int) (calendar.Result, error)) map[int]calendar.Result {
	results, errs := g.raced(t, n, write)
	won := map[int]calendar.Result{}
	for i, err := range errs {
		switch {
		case err == nil:
			won[i] = results[i]
		case errors.Is(err, errCondition), calendar.IsKind(err, calendar.PreconditionFailed), calendar.IsKind(err, calendar.UIDConflict):
		default:
			t.Errorf("writer %d: %v", i, err)
		}
	}
	return won
}

// raced is race for who looks at the errors too.
func (g *fleet) raced(t *testing.T, n int, write func(context.Context, *calendar.View, int) (calendar.Result, error)) ([]calendar.Result, []error) {
	views := make([]*calendar.View, n)
	for i := range views {
		views[i] = g.open(t, i)
	}
	var wg sync.WaitGroup
	results, errs := make([]calendar.Result, n), make([]error, n)
	for i, v := range views {
		wg.Go(func() {
			results[i], errs[i] = write(t.Context(), v, i)
			if err := v.CleanUp(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return results, errs
}

func TestUnconditionalWritesAreRepeated(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		g.open(t, 0)
		won := g.race(t, 4, func(ctx context.Context, v *calendar.View, i int) (calendar.Result, error) {
			return v.Put(ctx, "a.ics", event("u1", fmt.Sprint(i)), calendar.Condition{})
		})
		if len(won) != 4 {
			t.Errorf("%d of 4 unconditional writes succeeded", len(won))
		}
		if n := g.open(t, 1).Len(); n != 1 {
			t.Errorf("%d objects", n)
		}
	})
}
