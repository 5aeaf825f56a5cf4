package gateway

import (
	"net/http"
	"strconv"
)

// page is what a browser reads at "/". It needs no login and says nothing about
// users; the paths are the same on every gateway.
const page = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>calgate: calendars in your mail account</title>
</head>
<body>
<h1>calgate</h1>
<p>Behind this address are the calendars and task lists of your mail account. There is nothing to see here in a
browser: enter the address in your calendar program, with the name and the password of your mail account.</p>
<table>
<tr><th align="left">Apple Calendar, Reminders, iPhone, iPad</th><td>account type CalDAV; server: the host name of this page</td></tr>
<tr><th align="left">Thunderbird</th><td>new calendar, on the network; the address of this page</td></tr>
<tr><th align="left">DAVx5, Evolution, GNOME, KDE, Outlook CalDav Synchronizer</th><td>the address of this page</td></tr>
<tr><th align="left">Other CalDAV programs, one calendar</th><td><code>/CalDAV/Calendar/</code> at this address</td></tr>
</table>
</body>
</html>
`

const robots = "User-agent: *\nDisallow: /\n"

// public answers what needs no login, and tells whether it did.
func (q *request) public() bool {
	header := q.w.Header()
	reads := q.r.Method == http.MethodGet || q.r.Method == http.MethodHead
	switch {
	case q.target.Realm == RealmWellKnown && q.h.serves(ServeCalDAV):
		// RFC 6764 section 5. The path alone, as the scheme and the host before a
		// balancer are not known here; 307 keeps method and body. The way to the
		// login is the same for every method.
		header.Set("Location", "/")
		header.Set("Content-Length", "0")
		q.w.WriteHeader(http.StatusTemporaryRedirect)
	case q.target.Realm == RealmRobots && reads:
		q.text("text/plain; charset=utf-8", robots)
	case q.target.Realm == RealmRoot && reads:
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		q.text("text/html; charset=utf-8", page)
	default:
		return false
	}
	return true
}

func (q *request) text(contentType, body string) {
	q.w.Header().Set("Content-Type", contentType)
	q.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	q.w.WriteHeader(http.StatusOK)
	if q.r.Method != http.MethodHead {
		q.w.Write([]byte(body))
	}
}
