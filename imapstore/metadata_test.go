package imapstore_test

import (
	"maps"
	"testing"

	"calgate/test/backends"
)

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
			types, err := login(t, open(t, b), "alice").FolderTypes(t.Context())
			if want := map[string]string{"Termine": "event.default", "Liste": "task"}; err != nil || !maps.Equal(types, want) {
				t.Errorf("%v %v, want %v", types, err, want)
			}
		})
	}
	b := backends.Memory(t)
	if types, err := login(t, open(t, b), "alice").FolderTypes(t.Context()); err != nil || len(types) != 0 {
		t.Errorf("without METADATA: %v %v", types, err)
	}
}
