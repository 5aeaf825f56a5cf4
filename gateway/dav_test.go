package gateway

import (
	"encoding/xml"
	"strconv"
	"strings"
	"testing"

	"calgate/gateway/davxml"
)

// node is any XML element.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

// all are the children with that name.
func (n node) all(name xml.Name) (found []node) {
	for _, c := range n.Nodes {
		if c.XMLName == name {
			found = append(found, c)
		}
	}
	return found
}

// at follows names down; a missing one gives the zero node.
func (n node) at(path ...xml.Name) node {
	for _, name := range path {
		found := n.all(name)
		if len(found) == 0 {
			return node{}
		}
		n = found[0]
	}
	return n
}

func (n node) names() (names []string) {
	for _, c := range n.Nodes {
		names = append(names, c.XMLName.Local)
	}
	return names
}

func parseXML(t testing.TB, body string) node {
	t.Helper()
	var n node
	if err := xml.Unmarshal([]byte(body), &n); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return n
}

// prop is a property in a response.
type prop struct {
	node
	status    int
	condition string // of its DAV:propstat
}

// resource is a DAV:response.
type resource struct {
	href      string
	status    int // 0 where there are propstats
	condition string
	props     map[xml.Name]prop
}

// listed is a 207.
type listed struct {
	t         testing.TB
	resources []resource
	token     string
}

func (l listed) hrefs() (hrefs []string) {
	for _, r := range l.resources {
		hrefs = append(hrefs, r.href)
	}
	return hrefs
}

func (l listed) of(href string) resource {
	l.t.Helper()
	for _, r := range l.resources {
		if r.href == href {
			return r
		}
	}
	l.t.Fatalf("%s is not in %v", href, l.hrefs())
	return resource{}
}

func (r resource) text(name xml.Name) string { return r.props[name].Text }

// ask sends a request that a 207 must answer, and reads it by the grammar of
// RFC 4918 section 14.
func (r *rig) ask(method, url, body string, headers ...string) listed {
	r.t.Helper()
	a := r.want(207, method, url, body, headers...)
	l := listed{t: r.t}
	if a.StatusCode != 207 {
		r.t.FailNow()
	}
	root := parseXML(r.t, a.body)
	if root.XMLName != dav("multistatus") {
		r.t.Fatalf("root is %v", root.XMLName)
	}
	l.token = root.at(dav("sync-token")).Text
	seen := map[string]bool{}
	for _, n := range root.all(dav("response")) {
		res := resource{href: n.at(dav("href")).Text, props: map[xml.Name]prop{}}
		if seen[res.href] {
			r.t.Errorf("%s comes twice", res.href)
		}
		seen[res.href] = true
		res.status = statusOf(n)
		res.condition = strings.Join(n.at(dav("error")).names(), " ")
		stats := n.all(dav("propstat"))
		if (res.status == 0) == (len(stats) == 0) {
			r.t.Errorf("%s: a status and %d propstats", res.href, len(stats))
		}
		for _, stat := range stats {
			for _, p := range stat.at(dav("prop")).Nodes {
				if _, twice := res.props[p.XMLName]; twice {
					r.t.Errorf("%s: %v comes twice", res.href, p.XMLName)
				}
				res.props[p.XMLName] = prop{p, statusOf(stat), strings.Join(stat.at(dav("error")).names(), " ")}
			}
		}
		l.resources = append(l.resources, res)
	}
	return l
}

func statusOf(n node) int {
	fields := strings.Fields(n.at(dav("status")).Text)
	if len(fields) < 2 {
		return 0
	}
	status, _ := strconv.Atoi(fields[1])
	return status
}

// refused sends a request that must fail with a precondition.
func (r *rig) refused(status int, condition, method, url, body string, headers ...string) {
	r.t.Helper()
	a := r.want(status, method, url, body, headers...)
	if a.StatusCode < 400 {
		return
	}
	root := parseXML(r.t, a.body)
	got := ""
	if root.XMLName == dav("error") {
		got = strings.Join(root.names(), " ")
	}
	if got != condition {
		r.t.Errorf("%s %s: DAV:error holds %q, want %q", method, url, got, condition)
	}
}

// element makes an element with the four prefixes of DAV, CalDAV and Apple.
func element(root, content string) string {
	return `<?xml version="1.0" encoding="utf-8"?><` + root + ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"` +
		` xmlns:S="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/">` + content + `</` + root + `>`
}

func propfindOf(names ...string) string {
	return element("D:propfind", "<D:prop>"+empties(names)+"</D:prop>")
}

func empties(names []string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString("<" + n + "/>")
	}
	return b.String()
}

func apple(local string) xml.Name { return xml.Name{Space: davxml.AppleICal, Local: local} }

var getctagName = xml.Name{Space: davxml.CalendarServer, Local: "getctag"}
