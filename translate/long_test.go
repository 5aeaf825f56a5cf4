package translate

import (
	"flag"
	"os"
	"testing"
)

// long tells whether tests that only count higher and draw more often are to do so.
var long = os.Getenv("TEST_LONG") != ""

// longer is how high a test counts.
func longer(short, high int) int {
	if long {
		return high
	}
	return short
}

// drawFewer lets a test that takes long for each draw fewer times, unless it is said how often.
func drawFewer(t *testing.T, times string) {
	t.Helper()
	checks := flag.Lookup("rapid.checks")
	if long || checks.Value.String() != checks.DefValue {
		return
	}
	if err := checks.Value.Set(times); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checks.Value.Set(checks.DefValue) })
}
