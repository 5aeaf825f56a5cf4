package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"calgate/imapstore"
)

func noOptions(*config) []option { return nil }

func imapOptions(c *config) []option {
	return []option{
		{name: "imap", argument: "URL", value: str(&c.imap, ""),
			about: "the mail server: imaps://HOST[:PORT], imap+starttls://HOST, imap://HOST (cleartext, loopback only) or imap+insecure://HOST (cleartext anywhere)"},
		{name: "imap-ca", argument: "FILE", value: str(&c.imapCA, ""),
			about: "trust the mail server by the certificates in this PEM file, and by no others"},
		{name: "others", argument: "TEMPLATE", value: str(&c.others, ""),
			about: "where the mail server shows other users' mailboxes, such as shared/%u/; without it where its NAMESPACE says"},
		{name: "imap-dial-timeout", argument: "TIME", value: span(&c.dialTimeout, 5*time.Second),
			about: "how long a connection to the mail server may take"},
		{name: "imap-login-timeout", argument: "TIME", value: span(&c.loginWait, 20*time.Second),
			about: "how long a login may take; Dovecot holds a wrong password for up to 15 s"},
		{name: "imap-timeout", argument: "TIME", value: span(&c.imapTimeout, 30*time.Second),
			about: "how long the mail server may be silent in a command"},
	}
}

func kindOptions(c *config) []option {
	return []option{
		{name: "default-calendar", argument: "MAILBOX", value: str(&c.defaultCalendar, ""),
			about: "the default calendar; without it the first that exists of Calendar, Kalender, Calendrier, …"},
		{name: "default-tasks", argument: "MAILBOX", value: str(&c.defaultTasks, ""),
			about: "the default task list; without it the first that exists of Tasks, Aufgaben, Tâches, …"},
		{name: "calendar-root", argument: "MAILBOX", value: str(&c.calendarRoot, ""),
			about: "new calendars are made below this mailbox; without it below the default calendar"},
		{name: "tasks-root", argument: "MAILBOX", value: str(&c.tasksRoot, ""),
			about: "new task lists are made below this mailbox; without it below the default task list"},
		{name: "calendar", argument: "PATTERN", value: &c.calendars,
			about: "mailboxes of these names are calendars too; * is anything, % anything but /; may be repeated"},
		{name: "tasks", argument: "PATTERN", value: &c.tasks,
			about: "mailboxes of these names are task lists too; may be repeated"},
	}
}

func logOption(c *config) option {
	c.logFormat = "text"
	return option{name: "log-format", argument: "FORMAT", value: choice{&c.logFormat, []string{"text", "json"}},
		about: "form of the log on standard error: text or json"}
}

func listenOption(c *config) option {
	return option{name: "listen", argument: "ADDR", value: str(&c.listen, "127.0.0.1:8100"),
		about: "address for cleartext HTTP; empty for none"}
}

func serveOptions(c *config) []option {
	o := append(imapOptions(c),
		option{name: "imap-sessions", argument: "N", value: count(&c.sessions, 100),
			about: "IMAP sessions in all, at most"},
		option{name: "imap-sessions-per-login", argument: "N", value: count(&c.perLogin, 3),
			about: "IMAP sessions of one user, at most"},
		option{name: "imap-login-age", argument: "TIME", value: span(&c.loginAge, 10*time.Minute),
			about: "how long a session is used before the password is checked anew"},
		listenOption(c),
		option{name: "insecure-http", value: on(&c.insecureHTTP, false),
			about: "allow -listen on an address that is not loopback: passwords cross the network in cleartext"},
		option{name: "behind-tls-proxy", value: on(&c.behindTLS, false),
			about: "allow -listen on an address that is not loopback, because a proxy in front of it speaks TLS with clients"},
		option{name: "listen-tls", argument: "ADDR", value: str(&c.listenTLS, ":9100"),
			about: "address for HTTPS, where a certificate is given"},
		option{name: "tls-cert", argument: "FILE", value: str(&c.tlsCert, ""),
			about: "certificate chain, PEM; read again on SIGHUP"},
		option{name: "tls-key", argument: "FILE", value: str(&c.tlsKey, ""),
			about: "private key of the certificate, PEM; read again on SIGHUP"},
		option{name: "progress-timeout", argument: "TIME", value: span(&c.progressTimeout, time.Minute),
			about: "how long a request body or an answer may stand still"},
		option{name: "drain", argument: "TIME", value: span(&c.drainLimit, 30*time.Second),
			about: "how long requests may go on after SIGTERM"},
		option{name: "domain", argument: "[HOST=]DOMAIN", value: &c.domains,
			about: "a login without @ is one at this domain, for requests to this HTTP host or to any; may be repeated"},
	)
	o = append(o, kindOptions(c)...)
	o = append(o, serviceOptions(c)...)
	c.shares = "all"
	return append(o,
		option{name: "shares", argument: "WHICH", value: choice{&c.shares, []string{"all", "subscribed", "none"}},
			about: "which calendars of other users a home shows: all that the mail server lists, those subscribed in IMAP, or none"},
		option{name: "autocreate", value: on(&c.autocreate, true),
			about: "make the default calendar and task list when they are first needed"},
		option{name: "subscribe", value: on(&c.subscribe, false),
			about: "subscribe to the calendars that are made, so that mail programs list them too"},
		option{name: "keep-deleted", argument: "TIME", value: span(&c.keepDeleted, 30*24*time.Hour),
			about: "how long what was deleted is remembered; at least 1h"},
		option{name: "cache-size", argument: "SIZE", value: octets(&c.cacheSize, 256<<20),
			about: "memory for what was read before"},
		option{name: "no-cache", value: on(&c.noCache, false),
			about: "remember nothing between requests but open IMAP sessions"},
		logOption(c),
	)
}

func serviceOptions(c *config) []option {
	c.deleteScope = "all"
	return []option{
		{name: "allow", argument: "PATTERN", value: &c.allow,
			about: "only accounts of these names may use calendars; * is anything, as in *@example.com; may be repeated"},
		{name: "deny", argument: "PATTERN", value: &c.deny,
			about: "accounts of these names may not, whatever -allow says; may be repeated"},
		{name: "realms", argument: "LIST", value: &c.realms,
			about: "what is served, separated by commas: caldav, publish (/CalendarData/), publish-delete (/CalendarDataDel/, DeleteAll), unpublish (DELETE of a feed); without it all"},
		{name: "delete-scope", argument: "SCOPE", value: choice{&c.deleteScope, []string{"all", "uploaded-kinds"}},
			about: "what a publication that replaces everything removes: all, or only the kinds (events, tasks) that it brings"},
	}
}

func demoOptions(c *config) []option { return []option{listenOption(c), logOption(c)} }

func accountOptions(c *config) []option {
	return append(imapOptions(c), option{name: "user", argument: "NAME", value: str(&c.user, ""), about: "log in as this user"},
		option{name: "password", value: str(&c.password, ""), only: true,
			about: "the password, in the environment only: the command line is visible to everybody; without it calgate asks"})
}

func checkOptions(c *config) []option {
	o := append(accountOptions(c), option{name: "probe", value: on(&c.probe, false),
		about: "also test, in a mailbox made and deleted for it, whether several gateways may write at once"})
	return append(o, kindOptions(c)...)
}

func mailboxOption(c *config) option {
	return option{name: "mailbox", argument: "MAILBOX", value: str(&c.mailbox, ""), about: "this calendar only; without it all of the user's"}
}

func undeleteOptions(c *config) []option {
	o := append(accountOptions(c), mailboxOption(c), option{name: "name", argument: "NAME", value: str(&c.name, ""),
		about: "bring back the object that was deleted last under this resource name; without it the deleted ones are listed"})
	return append(o, kindOptions(c)...)
}

func fsckOptions(c *config) []option {
	o := append(accountOptions(c), mailboxOption(c), option{name: "repair", value: on(&c.repair, false),
		about: "expunge garbage, append damaged bodies as new versions, finish moves that ended in the middle"})
	return append(o, kindOptions(c)...)
}

// validate looks at everything that can be said without touching the network, and returns every mistake.
func (c *config) validate(command string) []error {
	var mistakes []error
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	if command != "demo" {
		mistakes = append(mistakes, c.validateIMAP()...)
	}
	if asUser(command) {
		if c.user == "" {
			wrong("-user is missing")
		}
		return mistakes
	}
	if command == "demo" && c.listen == "" {
		wrong("-listen is empty: nothing would be served")
	}
	if host, ok := wellFormed(c.listen); !ok {
		wrong("-listen %q: it is HOST:PORT", c.listen)
	} else if c.listen != "" && !loopback(host) && command == "demo" {
		wrong("-listen %s: the demo takes anybody's password and stays on a loopback address", c.listen)
	} else if c.listen != "" && !loopback(host) && !c.insecureHTTP && !c.behindTLS {
		wrong("-listen %s: cleartext HTTP on an address that is not loopback needs -behind-tls-proxy (a proxy in front speaks TLS) or -insecure-http (passwords cross the network in cleartext)", c.listen)
	}
	if command == "serve" {
		mistakes = append(mistakes, c.validateServe()...)
	}
	return mistakes
}

func (c *config) validateServe() []error {
	var mistakes []error
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	if (c.tlsCert == "") != (c.tlsKey == "") {
		wrong("-tls-cert and -tls-key go together")
	}
	if c.tlsCert == "" && c.listen == "" {
		wrong("-listen is empty and there is no -tls-cert: nothing would be served")
	}
	if _, ok := wellFormed(c.listenTLS); !ok || c.listenTLS == "" {
		wrong("-listen-tls %q: it is HOST:PORT", c.listenTLS)
	}
	if c.tlsCert != "" && c.tlsKey != "" {
		if _, err := readCertificate(c.tlsCert, c.tlsKey); err != nil {
			wrong("-tls-cert, -tls-key: %w", err)
		}
	}
	if c.insecureHTTP && c.behindTLS {
		wrong("-insecure-http and -behind-tls-proxy say different things")
	}
	if c.keepDeleted < time.Hour {
		wrong("-keep-deleted %v: at least 1h, or a slow writer could bring back what was deleted", c.keepDeleted)
	}
	return mistakes
}

func (c *config) validateIMAP() []error {
	if c.imap == "" {
		return []error{errors.New("-imap is missing: the URL of the mail server, such as imaps://mail.example.com")}
	}
	var mistakes []error
	o, err := imapstore.ParseURL(c.imap)
	if err != nil {
		mistakes = append(mistakes, fmt.Errorf("-imap: %w", err))
	}
	if c.imapCA != "" {
		pem, err := os.ReadFile(c.imapCA)
		roots := x509.NewCertPool()
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("-imap-ca: %w", err))
		} else if !roots.AppendCertsFromPEM(pem) {
			mistakes = append(mistakes, fmt.Errorf("-imap-ca %s: no PEM certificate in it", c.imapCA))
		}
		if o.TLS != nil {
			o.TLS = o.TLS.Clone()
			o.TLS.RootCAs = roots
		} else {
			o.TLS = tlsTo(o.Host, roots)
		}
	}
	if c.others != "" {
		if err := imapstore.CheckOthers(c.others); err != nil {
			mistakes = append(mistakes, fmt.Errorf("-others: %w", err))
		}
		o.Others = c.others
	}
	o.Sessions, o.SessionsPerLogin, o.LoginAge = c.sessions, c.perLogin, c.loginAge
	o.DialTimeout, o.LoginTimeout, o.CommandTimeout = c.dialTimeout, c.loginWait, c.imapTimeout
	o.NoCache = c.noCache
	c.imapOptions = o
	return mistakes
}

// wellFormed tells the host of HOST:PORT; the empty address is well-formed and means none.
func wellFormed(addr string) (host string, ok bool) {
	if addr == "" {
		return "", true
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", false
	}
	_, err = net.LookupPort("tcp", port)
	return host, err == nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
