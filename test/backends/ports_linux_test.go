package backends

import "testing"

// A port is given once: who stops a server for a while must not find another one there.
func TestReservedPorts(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	if reserve(port) == nil {
		t.Errorf("port %d is given twice", port)
	}
}
