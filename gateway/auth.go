package gateway

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"
)

// login is what the credentials of a request say.
type login struct {
	account  string // what IMAP is asked with: the user name, completed by a domain where one is known
	password string
}

var errNoCredentials = errors.New("no credentials")

// unauthorized asks for credentials (RFC 7617 section 2.1 for the charset).
func unauthorized(err error) *HTTPError {
	return &HTTPError{Code: http.StatusUnauthorized, Public: "name and password of the mail account are needed", Err: err}
}

// credentials reads Basic authentication (RFC 7617). It needs no mail server to refuse
// what no mail server could take.
func (q *request) credentials() (login, error) {
	user, password, ok := q.r.BasicAuth()
	if !ok || len(q.r.Header["Authorization"]) > 1 {
		return login{}, unauthorized(errNoCredentials)
	}
	// An empty password is an anonymous bind to some directories behind mail servers.
	if user == "" || password == "" || !utf8.ValidString(user) ||
		strings.ContainsAny(user, "\r\n\x00") || strings.ContainsAny(password, "\r\n\x00") {
		return login{}, unauthorized(errors.New("credentials that cannot be"))
	}
	return login{accountOf(user, q.h.Domain(hostname(q.r.Host))), password}, nil
}

// accountOf completes a user name: "user%domain" is the spelling of programs that
// keep what follows "@" to themselves.
func accountOf(user, domain string) string {
	if strings.Contains(user, "@") {
		return user
	}
	if i := strings.LastIndexByte(user, '%'); i > 0 && i < len(user)-1 {
		return user[:i] + "@" + user[i+1:]
	}
	if domain != "" {
		return user + "@" + domain
	}
	return user
}

// hostname is the host of a Host header in lower case, without port and final dot.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}

// href is the account as hrefs show it.
func (l login) href() string { return strings.ToLower(l.account) }

// self tells whether the owner that a URL names is the user who is logged in: "me",
// the account in any case, or the account without its domain. An account without a
// domain has none that could be compared: the domain that is configured for the host
// is part of the account already.
func (l login) self(owner string) bool {
	if owner == "me" || strings.EqualFold(owner, l.account) {
		return true
	}
	local, _, ok := strings.Cut(l.account, "@")
	return ok && !strings.Contains(owner, "@") && strings.EqualFold(owner, local)
}
