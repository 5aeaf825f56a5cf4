package imapstore

import (
	"net"
	"syscall"
)

// quickAcknowledged is a connection on which everything that arrives is acknowledged at once. Cyrus and Courier leave Nagle's
// algorithm on: each answer that they write in two parts would wait for our delayed acknowledgement, 40 ms.
type quickAcknowledged struct {
	*net.TCPConn
	socket syscall.RawConn
}

func quickAcknowledge(c net.Conn) net.Conn {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	socket, err := t.SyscallConn()
	if err != nil {
		return c
	}
	return quickAcknowledged{t, socket}
}

// Read sets the option anew: the kernel forgets it by itself. Without it reading is slower, and no worse.
func (q quickAcknowledged) Read(b []byte) (int, error) {
	_ = q.socket.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
	return q.TCPConn.Read(b)
}
