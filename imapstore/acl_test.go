package imapstore_test

import (
	"slices"
	"strings"
	"testing"

	"calgate/imapstore"
	"calgate/test/backends"
)

func user(name string) imapstore.Identifier { return imapstore.Identifier{Name: name} }

// rightsOf is what an ACL gives an identifier, of the letters that all servers have.
func rightsOf(entries []imapstore.Entry, kind imapstore.IdentifierKind, name string) string {
	for _, e := range entries {
		if e.Kind == kind && e.Name == name && !e.Negative {
			return e.Rights
		}
	}
	return ""
}

func hasAll(rights, letters string) bool {
	return !strings.ContainsFunc(letters, func(r rune) bool { return !strings.ContainsRune(rights, r) })
}

// TestACL gives and takes rights, and looks at what the ACL then says and the other user can.
func TestACL(t *testing.T) {
	for _, server := range sharing {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			b := server.start(t)
			owner, guest := newUser(b), newUser(b)
			store := open(t, b)
			s := login(t, store, owner)
			create(t, s, "Calendar")
			acl := func() []imapstore.Entry {
				t.Helper()
				entries, err := s.ACL(t.Context(), "Calendar")
				if err != nil {
					t.Fatal(err)
				}
				return entries
			}
			before := acl()
			set := func(id imapstore.Identifier, rights string) {
				t.Helper()
				if err := s.SetACL(t.Context(), "Calendar", id, rights); err != nil {
					t.Fatalf("%+v %q: %v", id, rights, err)
				}
			}
			theirs := "~" + owner + "/Calendar"
			for _, rights := range []string{"lr", "lrs", "lrsi", "lrsite", "lrswitea"} {
				set(user(guest), rights)
				if got := rightsOf(acl(), imapstore.IdentifierUser, guest); !hasAll(got, rights) || strings.Contains(got, "x") || len(rights) < 5 && strings.ContainsAny(got, "tewa") {
					t.Errorf("after %s the ACL says %q", rights, got)
				}
				// a session that was used before the change
				g := login(t, store, guest)
				got, _, err := g.Rights(t.Context(), theirs)
				g.Release()
				if err != nil || !hasAll(got, rights) {
					t.Errorf("after %s the user has %q: %v", rights, got, err)
				}
			}
			set(user(guest), "lr") // a right taken away is gone at once, whatever a pooled session was told
			g := login(t, store, guest)
			if got, _, err := g.Rights(t.Context(), theirs); err != nil || strings.ContainsAny(got, "itea") {
				t.Errorf("the user still has %q: %v", got, err)
			}
			_, err := g.ACL(t.Context(), theirs)
			wantKind(t, err, imapstore.NoPermission)
			wantKind(t, g.SetACL(t.Context(), theirs, user(guest), "lrswitea"), imapstore.NoPermission)
			_, err = g.ACL(t.Context(), theirs+"nowhere")
			wantKind(t, err, imapstore.NotFound)
			g.Release()
			set(user(guest), "")
			g = login(t, store, guest)
			_, _, err = g.Rights(t.Context(), theirs)
			wantKind(t, err, imapstore.NotFound)
			g.Release()
			if after := acl(); !slices.Equal(after, before) {
				t.Errorf("the ACL was %v and is %v", before, after)
			}

			group := imapstore.Identifier{Kind: imapstore.IdentifierGroup, Name: "staff"}
			if s.Caps().Groups() {
				set(group, "lr")
				if got := rightsOf(acl(), imapstore.IdentifierGroup, "staff"); !hasAll(got, "lr") {
					t.Errorf("the group has %q in %v", got, acl())
				}
				set(group, "")
			} else {
				wantKind(t, s.SetACL(t.Context(), "Calendar", group, "lr"), imapstore.Denied)
			}
			anyone := imapstore.Identifier{Kind: imapstore.IdentifierAnyone}
			if err := s.SetACL(t.Context(), "Calendar", anyone, "lr"); strings.HasPrefix(server.name, "dovecot") {
				wantKind(t, err, imapstore.Denied) // by default
			} else if got := rightsOf(acl(), imapstore.IdentifierAnyone, ""); err != nil || !hasAll(got, "lr") {
				t.Errorf("anyone has %q: %v", got, err)
			}
			for _, odd := range []string{"Grün", "a\r\nb", "", "anyone", "-" + guest} {
				wantKind(t, s.SetACL(t.Context(), "Calendar", user(odd), "lr"), imapstore.Denied)
			}
			can, err := s.ListRights(t.Context(), "Calendar", []imapstore.Identifier{user(guest), user("Grün")})
			if err != nil || can[0] == nil || can[1] != nil {
				t.Fatalf("%v, %v", can, err)
			}
			for rights, want := range map[string]bool{"lr": true, "lrsite": true, "lrswitea": true, "lrit": server.name != "courier", "lry": false} {
				if can[0].Can(rights) != want {
					t.Errorf("%s can be given: %v; %+v", rights, !want, can[0])
				}
			}
			all, err := s.ACLs(t.Context(), []string{"Calendar", "Nowhere"})
			if err != nil || len(all) != 1 || len(all["Calendar"]) == 0 {
				t.Errorf("%v, %v", all, err)
			}
		})
	}
}

// TestIdentifiers reads what is not for users to change.
func TestIdentifiers(t *testing.T) {
	b := backends.Dovecot(t, backends.Options{ACL: true})
	owner, guest := newUser(b), newUser(b)
	s := login(t, open(t, b), owner)
	create(t, s, "Calendar")
	raw(t, b, owner, `SETACL "Calendar" "-`+guest+`" lr`, `SETACL "Calendar" "!staff" lr`, `SETACL "Calendar" "$staff" lr`)
	entries, err := s.ACL(t.Context(), "Calendar")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if e.Name != owner {
			e.Rights = ""
			got = append(got, strings.TrimSpace(strings.Join([]string{e.Name, map[bool]string{true: "group"}[e.Kind == imapstore.IdentifierGroup],
				map[bool]string{true: "negative"}[e.Negative], map[bool]string{true: "fixed"}[e.Fixed]}, " ")))
		}
	}
	slices.Sort(got)
	if want := []string{"staff group", "staff group  fixed", guest + "  negative fixed"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
