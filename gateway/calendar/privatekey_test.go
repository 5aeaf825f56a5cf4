package calendar

import (
	"fmt"
	"testing"

	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/translate"
)

// Which life in the settings mailbox is a calendar's, and where it is written next. What is
// found is told by its index.
func TestPrivateKey(t *testing.T) {
	type life struct {
		name, id string
		folder   uint32
		length   int64
	}
	const now, before = 7, 6
	const here, there = "~bob/Here", "~bob/There"
	for name, c := range map[string]struct {
		lives []life
		key   privateKey
		found int // -1: none
		place string
	}{
		"none":                          {nil, privateKey{here, "a"}, -1, here},
		"its own":                       {[]life{{there, "b", now, 9}, {here, "a", now, 9}}, privateKey{here, "a"}, 1, here},
		"written by an older calgate":   {[]life{{there, "a", now, 9}, {here, "", now, 9}}, privateKey{here, "a"}, 1, here},
		"server without ids":            {[]life{{here, "a", now, 9}, {there, "", now, 9}}, privateKey{here, ""}, 0, here},
		"moved":                         {[]life{{here, "a", now, 9}}, privateKey{there, "a"}, 0, there},
		"moved, with older ones":        {[]life{{"~bob/A", "a", now, 9}, {here, "a", now, 9}}, privateKey{there, "a"}, 1, there},
		"moved where one has left":      {[]life{{here, "a", now, 9}, {there, "", now, 0}}, privateKey{there, "a"}, 0, there},
		"nothing of its own any more":   {[]life{{here, "a", now, 9}, {there, "a", now, 0}}, privateKey{there, "a"}, 1, there},
		"moved to the name of another":  {[]life{{here, "a", now, 9}, {there, "b", now, 9}}, privateKey{there, "a"}, 0, there + "//a"},
		"another of its name":           {[]life{{here, "a", now, 9}}, privateKey{here, "b"}, -1, here + "//b"},
		"by the id, beside another":     {[]life{{here, "a", now, 9}, {here + "//b", "b", now, 9}}, privateKey{here, "b"}, 1, here + "//b"},
		"by the id, and the other left": {[]life{{here, "", now, 0}, {here + "//b", "b", now, 9}}, privateKey{here, "b"}, 1, here},
		"with another folder":           {[]life{{here, "a", before, 9}}, privateKey{here, "b"}, 0, here},
		"with another folder, moved":    {[]life{{here, "a", before, 9}}, privateKey{there, "a"}, -1, there},
		"another UIDVALIDITY":           {[]life{{here, "~bob/1", now, 9}}, privateKey{here, "~bob/2"}, 0, here + "//~bob/2"},
		"moved, by UIDVALIDITY":         {[]life{{here, "~bob/1", now, 9}, {there, "~bob/2", now, 9}}, privateKey{there, "~bob/1"}, 0, there + "//~bob/1"},
		"MAILBOXID after UIDVALIDITY":   {[]life{{here, "~bob/1", now, 9}}, privateKey{here, "a"}, 0, here + "//a"},
	} {
		t.Run(name, func(t *testing.T) {
			var records []*translate.Record
			for i, l := range c.lives {
				token := translate.Token(fmt.Sprintf("%016x", i))
				records = append(records, &translate.Record{UID: uint32(i + 1), Ours: true, Op: translate.OpProps, Name: l.name, MailboxID: l.id,
					Folder: l.folder, Gen: 1, Life: token, Token: token, Length: l.length})
			}
			listing := translate.Heads(records, now)
			found := -1
			if l := c.key.life(listing); l != nil {
				found = int(l.Head.UID) - 1
			}
			if place := c.key.place(listing); found != c.found || place != c.place {
				t.Errorf("life %d, to be written as %s; want %d, %s", found, place, c.found, c.place)
			}
		})
	}
}

// What a change brings under the new name of a calendar is left empty under the old one. Two requests that bring it at once
// bring it once: what the first has taken away stays so.
func TestPrivateLifeMoves(t *testing.T) {
	t.Parallel()
	b := backends.Memory(t)
	user, password := b.User()
	a, other := loginAt(t, b.URL(), user, password), loginAt(t, b.URL(), user, password)
	view := func(name, id string) *View {
		box := imapstore.Mailbox{ID: id}
		return &View{account: a, calendar: Calendar{Mailbox: "~bob/" + name, Exists: true}, ix: &index{triple: box}}
	}
	set := func(locals ...string) (ps []Property) {
		for _, local := range locals {
			ps = append(ps, Property{Name: PropertyName{"urn:x", local}, XML: "<x/>"})
		}
		return ps
	}
	patch := func(v *View, change func(properties) properties) {
		t.Helper()
		if err := v.patchSettings(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	names := func(name, id string) (all string) {
		t.Helper()
		ps, err := view(name, id).privateLife(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ps {
			all += p.Name.Local
		}
		return all
	}
	for left, takes := range map[string][]PropertyName{"nz": {{"urn:x", "c"}}, "z": {{"urn:x", "c"}, {"urn:x", "n"}}} {
		here, there, another := "Here "+left, "There "+left, "not "+left
		patch(view(here, left), changes(nil, set("n", "c"), nil))
		patch(view(here, another), changes(nil, set("o"), nil))
		tries := 0
		patch(view(there, left), func(now properties) properties {
			if tries++; tries == 1 { // another one is first
				first := view(there, left)
				first.account = other
				patch(first, changes(nil, nil, takes))
			}
			return now.merged(set("z"), nil)
		})
		if a, b := names(there, left), names(here, another); a != left || b != "o" {
			t.Errorf("the one that was moved has %s, want %s; the other one has %s", a, left, b)
		}
		if old := a.settings.view.ix.listing.Props("~bob/" + here); old == nil || old.Head.Length != 0 || old.Head.MailboxID != "" {
			t.Errorf("under the old name: %+v", old)
		}
		patch(view(here, another), changes(nil, set("p"), nil))
		if b, third := names(here, another), names(here, "?"); b != "op" || third != "" {
			t.Errorf("of the old name there is %s, of a third one %s", b, third)
		}
	}

	// One that may be the same, with another UIDVALIDITY, has them too, and takes nothing away.
	patch(view("Here", "~bob/1"), changes(nil, set("n"), nil))
	patch(view("Here", "~bob/2"), changes(nil, set("o"), nil))
	if first, second := names("There", "~bob/1"), names("Here", "~bob/2"); first != "n" || second != "no" {
		t.Errorf("the first has %s, the second %s", first, second)
	}
}
