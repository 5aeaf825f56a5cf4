package imapstore

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// ParseURL reads imaps://host[:port], imap+starttls://…, imap://… (loopback only) and imap+insecure://…
// The URL says the risk aloud; credentials have no place in it.
func ParseURL(s string) (Options, error) {
	u, err := url.Parse(s)
	if err != nil {
		return Options{}, errors.New("not a URL") // url.Error would repeat a password
	}
	var o Options
	o.Port = "143"
	switch strings.ToLower(u.Scheme) {
	case "imaps":
		o.Security, o.Port = TLS, "993"
	case "imap+starttls":
		o.Security = STARTTLS
	case "imap":
		o.Security = Loopback
	case "imap+insecure":
		o.Security = Cleartext
	default:
		return Options{}, fmt.Errorf("scheme %q is none of imaps, imap+starttls, imap, imap+insecure", u.Scheme)
	}
	if u.User != nil {
		return Options{}, errors.New("a mail server URL holds no user and no password")
	}
	if u.Opaque != "" || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return Options{}, errors.New("a mail server URL is scheme://host or scheme://host:port")
	}
	o.Host = u.Hostname()
	if o.Host == "" {
		return Options{}, errors.New("no host")
	}
	if p := u.Port(); p != "" {
		o.Port = p
	} else if strings.HasSuffix(u.Host, ":") {
		return Options{}, errors.New("no port after the colon")
	}
	if o.Security == Loopback && !loopbackName(o.Host) {
		return Options{}, fmt.Errorf("imap:// is cleartext and for the loopback only; use imaps:// or imap+starttls:// for %s, or say imap+insecure://", o.Host)
	}
	return o, nil
}

func loopbackName(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
