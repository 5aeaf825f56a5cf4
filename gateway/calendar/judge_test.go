package calendar

import (
	"strings"
	"testing"
)

// TestJudge: each way in which an order can be broken is told.
func TestJudge(t *testing.T) {
	sound := []appended{
		{token: "a", before: 0, answered: 1, uid: 1, seen: []uint32{1}},
		{token: "b", before: 0, answered: 2, uid: 2, seen: []uint32{1, 2, 3}},
		{token: "c", before: 2, uid: 3, seen: []uint32{1, 2, 3}},
	}
	for name, tc := range map[string]struct {
		change func([]appended)
		last   []uint32
		want   string // "" = nothing
	}{
		"sound":           {func([]appended) {}, []uint32{1, 2, 3}, ""},
		"own not seen":    {func(a []appended) { a[0].uid, a[0].seen = 0, nil }, []uint32{1, 2, 3}, "did not see its own"},
		"lower not seen":  {func(a []appended) { a[2].seen = []uint32{1, 3} }, []uint32{1, 2, 3}, "did not see UID 2"},
		"order in time":   {func(a []appended) { a[1].before = 3 }, []uint32{1, 2, 3}, "after UID 3 was known has the UID 2"},
		"twice":           {func(a []appended) { a[2].uid = 2 }, []uint32{1, 2, 3}, "two messages"},
		"other UID":       {func(a []appended) { a[0].answered = 9 }, []uint32{1, 2, 3}, "answered with 9"},
		"gone":            {func([]appended) {}, []uint32{1, 3}, "2 is gone"},
		"one more":        {func([]appended) {}, []uint32{1, 2, 3, 4}, "4 messages are there of 3"},
		"renumbered late": {func([]appended) {}, []uint32{1, 2, 4}, "3 is gone"},
	} {
		all := append([]appended(nil), sound...)
		tc.change(all)
		got := strings.Join(judge(all, tc.last), "\n")
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
