package translate

import (
	"fmt"
	"testing"
)

// A client takes a calendar in pages of one object. What it was told may change
// meanwhile: its tokens stay good, and short where nothing does.
func TestPages(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every int // pages between two changes of what was told last, 0: none
		most  int // pages that a position names
	}{
		{"at rest", 0, 1},
		{"one change", 30, 2},
		{"changes", 3, 14},
	} {
		t.Run(tt.name, func(t *testing.T) {
			records := make([]Record, 0, 100)
			next := uint32(1)
			write := func(name string) {
				records = append(records, on(in(records...), next, OpPut, name))
				next++
			}
			for range 2 { // so that every object had another version, which nobody is told
				for i := range 40 {
					write(fmt.Sprintf("%02d.ics", i))
				}
			}
			var client *Position
			has, most := map[string]uint32{}, 0
			for page := 1; ; page++ {
				l := in(records...)
				steps, now, more, ok := l.Since(client, next, 1)
				if !ok {
					t.Fatalf("page %d: %v is refused", page, client)
				}
				for _, s := range steps {
					has[s.Name] = s.UID
				}
				client, most = &now, max(most, len(now.Pages))
				if !more {
					for e := range l.Alive() {
						if has[e.Name] != e.Head.UID {
							t.Errorf("the client has version %d of %s, want %d", has[e.Name], e.Name, e.Head.UID)
						}
					}
					break
				}
				if tt.every > 0 && page%tt.every == 0 && page <= 39 {
					write(steps[0].Name)
				}
			}
			if most != tt.most {
				t.Errorf("a position names %d pages, want %d", most, tt.most)
			}
		})
	}
}

func BenchmarkPage(b *testing.B) {
	records := manyVersions(10_000)
	l, next := Heads(records, 7), uint32(len(records)+1)
	_, p, _, _ := l.Since(nil, next, 5000)
	for len(p.Pages) < MaxPages {
		p.Pages = append(p.Pages, p.Pages[0])
	}
	for b.Loop() {
		if _, _, _, ok := l.Since(&p, next, 100); !ok {
			b.Fatal("refused")
		}
	}
}
