package test

import (
	"testing"

	"calgate/test/backends"
)

// TestClientPythonQueries asks what python-caldav can ask of a calendar, see clients/python_query.py.
func TestClientPythonQueries(t *testing.T) {
	t.Parallel()
	python := "/usr/bin/python3" // Debian's: python3-caldav is a package of its
	if err := backends.Command(t, python, "-c", "import caldav").Run(); err != nil {
		backends.Missing(t, "python3-caldav is not installed (apt-get install python3-caldav)")
	}
	for _, b := range []*backends.Server{backends.Memory(t), backends.Dovecot(t, backends.Options{Format: "sdbox"})} {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			user, password := b.User()
			p := serve(t, b)
			out, err := backends.Command(t, python, "clients/python_query.py", p.url, user, password).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
