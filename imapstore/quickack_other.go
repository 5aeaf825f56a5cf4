//go:build !linux

package imapstore

import "net"

// quickAcknowledge: only Linux can be asked for it.
func quickAcknowledge(c net.Conn) net.Conn { return c }
