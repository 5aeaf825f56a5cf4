package imapstore_test

import (
	"maps"
	"testing"

	"calgate/imapstore"
	"calgate/test/backends"
)

// folderTypes are the folder types of the user's own mailboxes, by name; of a mailbox without one there is none.
func folderTypes(t *testing.T, s *imapstore.Session) (map[string]string, error) {
	t.Helper()
	all, err := s.Overview(t.Context(), imapstore.Scope{Own: true, Types: true})
	types := map[string]string{}
	for _, l := range all {
		if l.FolderType != "" {
			types[l.Name] = l.FolderType
		}
	}
	return types, err
}

// Folder types come in one command for all mailboxes, the private one before the shared one.
func TestFolderTypes(t *testing.T) {
	for _, s := range []struct {
		name, prefix string
		start        func(testing.TB) *backends.Server
	}{
		{"dovecot", "", func(t testing.TB) *backends.Server { return backends.Dovecot(t, backends.Options{Metadata: true}) }},
		{"dovecot dotted", "INBOX.", func(t testing.TB) *backends.Server {
			return backends.Dovecot(t, backends.Options{Metadata: true, Dotted: true})
		}},
		{"cyrus", "", func(t testing.TB) *backends.Server { return backends.Cyrus(t, backends.Options{Metadata: true}) }},
	} {
		t.Run(s.name, func(t *testing.T) {
			b := s.start(t)
			a, b1, c := s.prefix+"Termine", s.prefix+"Liste", s.prefix+"Other"
			raw(t, b, "alice", "CREATE "+a, "CREATE "+b1, "CREATE "+c,
				`SETMETADATA `+a+` (/shared/vendor/kolab/folder-type "event.default")`,
				`SETMETADATA `+b1+` (/shared/vendor/kolab/folder-type "event" /private/vendor/kolab/folder-type "Task")`)
			types, err := folderTypes(t, login(t, open(t, b), "alice"))
			if want := map[string]string{"Termine": "event.default", "Liste": "task"}; err != nil || !maps.Equal(types, want) {
				t.Errorf("%v %v, want %v", types, err, want)
			}
		})
	}
	b := backends.Memory(t)
	if types, err := folderTypes(t, login(t, open(t, b), "alice")); err != nil || len(types) != 0 {
		t.Errorf("without METADATA: %v %v", types, err)
	}
}
