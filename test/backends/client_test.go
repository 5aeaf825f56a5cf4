package backends

import (
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A connection ends when neither side says anything any more.
func TestMortal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c := newMortal(ours, Patience)
		var says sync.WaitGroup
		says.Go(func() {
			tick := time.NewTicker(Patience - time.Second)
			defer tick.Stop()
			for range 3 {
				<-tick.C
				if _, err := theirs.Write([]byte("x")); err != nil {
					t.Errorf("it ended early: %v", err)
				}
			}
		})
		start, b := time.Now(), make([]byte, 1)
		for range 3 {
			if _, err := c.Read(b); err != nil {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		}
		says.Wait()
		_, err := c.Read(b)
		if took := time.Since(start); err == nil || took != 3*(Patience-time.Second)+Patience {
			t.Errorf("after %v: %v", took, err)
		}
		c.Close()
		theirs.Close()
	})
}
