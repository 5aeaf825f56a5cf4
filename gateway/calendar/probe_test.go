package calendar_test

import (
	"strings"
	"testing"
)

// The servers that calgate is for pass the probe, and keep nothing of it.
func TestProbe(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		p, err := g.servers[0].Probe(t.Context(), g.user, g.password, 4, 6)
		must(t, err)
		if p.Sessions != 4 || p.Messages != 24 || len(p.Broken) > 0 {
			t.Errorf("%+v", p)
		}
		listed, err := g.account(t, 1).Session().List(t.Context(), false)
		must(t, err)
		for _, l := range listed {
			if strings.HasPrefix(l.Name, "calgate-probe-") {
				t.Errorf("%s is left", l.Name)
			}
		}
	})
}
