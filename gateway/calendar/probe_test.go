package calendar_test

import (
	"context"
	"strings"
	"testing"

	"calgate/gateway/calendar"
	"calgate/test/backends"
	"calgate/test/faulty"
)

// The servers that calgate is for pass the probe, and keep nothing of it.
func TestProbe(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		p, err := g.servers[0].Probe(t.Context(), g.user, g.password, 4, 6)
		must(t, err)
		if p.Sessions != 4 || p.Messages != 24 || len(p.Broken) > 0 {
			t.Errorf("%+v", p)
		}
		g.nothingProbed(t)
	})
}

func (g *fleet) nothingProbed(t *testing.T) {
	t.Helper()
	listed, err := g.account(t, 0).Session().List(t.Context(), false)
	must(t, err)
	for _, l := range listed {
		if strings.HasPrefix(l.Name, "calgate-probe-") {
			t.Errorf("%s is left", l.Name)
		}
	}
}

// Nor does a probe leave anything that breaks off.
func TestProbeBreaksOff(t *testing.T) {
	g := newFleet(t, backends.Memory(t), 1, calendar.Options{})
	for name, fault := range map[string]faulty.Fault{
		"mailbox made, answer lost": {At: faulty.Answered, Command: "^CREATE"},
		"cut":                       {At: faulty.Before, Command: "^APPEND", N: 3},
		"mailbox refused":           {At: faulty.Before, Command: "^CREATE", Refuse: "NO no"},
		"interrupted":               {At: faulty.InLiteral, Command: "^APPEND", N: 2, Pause: true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			if fault.Pause {
				fault.Do = interrupt
			}
			wire := faulty.New(t, g.mail.Addr)
			wire.Set(fault)
			if p, err := newServer(t, wire.URL(), calendar.Options{}).Probe(ctx, g.user, g.password, 2, 3); err == nil {
				t.Errorf("nothing broke: %+v", p)
			}
			g.nothingProbed(t)
		})
	}
}
