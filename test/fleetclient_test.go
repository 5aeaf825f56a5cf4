package test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	fleetObjects = 4               // that are written at one time
	fleetEpoch   = 5 * time.Second // then come others: a short history is judged soon
	fleetFolder  = "/CalDAV/Calendar/"
	// fleetPatience is how long a client waits for an answer: less than a gateway waits for a mail server that is silent.
	fleetPatience = 4 * time.Second
)

// history is what all clients were told.
type history struct {
	begin time.Time

	mu       sync.Mutex // guards what follows
	objects  map[string][]porcupine.Operation
	etags    map[string]string // of an object and its ETag: the value
	counts   map[string]int
	mail     map[string]mailed // by value
	refusals []refusal

	renumbered [][2]int64 // from when until when the server gave a mail another UID
}

func newHistory() *history {
	return &history{begin: time.Now(), objects: map[string][]porcupine.Operation{}, etags: map[string]string{}, counts: map[string]int{}, mail: map[string]mailed{}}
}

func (h *history) now() int64 { return int64(time.Since(h.begin)) }

// add records an operation that ends now.
func (h *history) add(client int, object string, call int64, a action, o outcome) {
	end := h.now()
	if o.status == 0 {
		end = never
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.objects[object] = append(h.objects[object], porcupine.Operation{ClientId: client, Input: a, Output: o, Call: call, Return: end})
	h.counts[a.method]++
	switch {
	case o.status == 0:
		h.counts["unanswered"]++
	case o.status/100 == 2 && a.method != "GET":
		h.counts[a.kind()]++
	}
}

func (h *history) count(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[what]++
}

// version is one version of an object, as a client sees it. The zero version is none.
type version struct{ value, etag string }

// saw checks that an ETag never names two versions.
func (h *history) saw(object string, v version) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := object + " " + v.etag
	if before, ok := h.etags[key]; ok && before != v.value || v.etag == "" || v.value == "" {
		return fmt.Errorf("%s: the ETag %s is that of %q and of %q", object, v.etag, before, v.value)
	}
	h.etags[key] = v.value
	return nil
}

// fleetClient is a calendar program.
type fleetClient struct {
	t       testing.TB
	id      int
	h       *history
	rand    *rand.Rand
	http    *http.Client
	url     string // of the balancer, or of one gateway
	user    string
	secret  string
	written int
	known   map[string]version // what it knows of each object, to name in If-Match
	held    map[string]version // what it holds by sync-collection, by object
	token   string
	asked   int64 // when it asked for the answer that it holds, and when this came; 0: it holds none
	came    int64
	follows string // what its syncs are counted under, too; "" is not
}

func (c *fleetClient) of(id int, url string) *fleetClient {
	n := *c
	n.id, n.url, n.known, n.held = id, url, map[string]version{}, map[string]version{}
	n.rand = rand.New(rand.NewPCG(c.rand.Uint64(), uint64(id)))
	n.http = &http.Client{Timeout: fleetPatience, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	return &n
}

// patient waits as long as a gateway under the race detector may need for a folder of ten thousand messages that it never saw:
// when all is over it matters what it shows, not how soon.
func (c *fleetClient) patient() *fleetClient {
	c.http.Timeout = fleetSettle
	return c
}

var errNoAnswer = errors.New("no answer, or 5xx")

// ask sends a request. What is no answer of a gateway that works is errNoAnswer.
func (c *fleetClient) ask(method, path string, header map[string]string, body string) (*http.Response, []byte, error) {
	q, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	q.SetBasicAuth(c.user, c.secret)
	for name, value := range header {
		q.Header.Set(name, value)
	}
	answer, err := c.http.Do(q)
	if err != nil {
		return nil, nil, errNoAnswer
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 500 {
		return nil, nil, errNoAnswer
	}
	return answer, text, nil
}

var valueOf = regexp.MustCompile(`(?m)^SUMMARY:(.*?)\r?$`)

func (c *fleetClient) saw(object, text, etag string) (version, bool) {
	m := valueOf.FindStringSubmatch(text)
	if m == nil {
		c.t.Errorf("%s is %q", object, text)
		return version{}, false
	}
	v := version{m[1], etag}
	if err := c.h.saw(object, v); err != nil {
		c.t.Error(err)
		return version{}, false
	}
	return v, true
}

// run works until the context ends.
func (c *fleetClient) run(ctx context.Context) {
	for ctx.Err() == nil {
		epoch := int(time.Since(c.h.begin) / fleetEpoch)
		object := fmt.Sprintf("e%d-%d", epoch, c.rand.IntN(fleetObjects))
		known := c.known[object]
		switch n := c.rand.IntN(100); {
		case n < 20:
			c.get(object)
		case n < 28:
			var objects []string
			for i := range fleetObjects {
				objects = append(objects, fmt.Sprintf("e%d-%d", epoch, i))
			}
			c.multiget(objects)
		case n < 38:
			c.sync(fmt.Sprintf("e%d-", epoch))
		case n < 58:
			c.write(object, action{method: "PUT", value: c.value(), absent: true}, known)
		case n < 78 && known.value != "":
			c.write(object, action{method: "PUT", value: c.value(), match: known.value}, known)
		case n < 88:
			c.write(object, action{method: "PUT", value: c.value()}, known)
		case n < 95 && known.value != "":
			c.write(object, action{method: "DELETE", match: known.value}, known)
		default:
			c.write(object, action{method: "DELETE"}, known)
		}
	}
}

func (c *fleetClient) value() string {
	c.written++
	return fmt.Sprintf("c%d-%d", c.id, c.written)
}

// write does a PUT or DELETE. One that names a version and is not answered is sent again half of the time, as programs do:
// it cannot happen twice.
func (c *fleetClient) write(object string, a action, known version) {
	header, body := map[string]string{}, ""
	if a.method == "PUT" {
		body = strings.Replace(displaced(object), "SUMMARY:"+object, "SUMMARY:"+a.value, 1)
	}
	if a.absent {
		header["If-None-Match"] = "*"
	}
	if a.match != "" {
		header["If-Match"] = known.etag
	}
	call := c.h.now()
	answer, text, err := c.ask(a.method, fleetFolder+object+".ics", header, body)
	if err != nil {
		c.h.add(c.id, object, call, a, outcome{})
		if a.match != "" && c.rand.IntN(2) == 0 {
			a.repeat = true
			c.write(object, a, known)
		}
		return
	}
	switch answer.StatusCode {
	case 201, 204, 404, 412:
		c.h.add(c.id, object, call, a, outcome{status: answer.StatusCode})
	default:
		c.t.Errorf("%s of %s: %s %s", a, object, answer.Status, text)
		return
	}
	switch {
	case answer.StatusCode >= 400:
	case a.method == "DELETE":
		delete(c.known, object)
	default:
		if v, ok := c.saw(object, body, answer.Header.Get("ETag")); ok {
			c.known[object] = v
		}
	}
}

// read records that an object was shown, or was not.
func (c *fleetClient) read(object string, call int64, v version) {
	status := 200
	if v.value == "" {
		status = 404
	}
	c.h.add(c.id, object, call, action{method: "GET"}, outcome{status, v.value})
	c.known[object] = v
}

func (c *fleetClient) get(object string) {
	call := c.h.now()
	answer, text, err := c.ask("GET", fleetFolder+object+".ics", nil, "")
	switch {
	case err != nil:
	case answer.StatusCode == 404:
		c.read(object, call, version{})
	case answer.StatusCode == 200:
		if v, ok := c.saw(object, string(text), answer.Header.Get("ETag")); ok {
			c.read(object, call, v)
		}
	default:
		c.t.Errorf("GET of %s: %s %s", object, answer.Status, text)
	}
}

type fleetAnswer struct {
	Responses []struct {
		Href     string `xml:"DAV: href"`
		Status   string `xml:"DAV: status"`
		Propstat []struct {
			Status string `xml:"DAV: status"`
			Prop   struct {
				ETag string `xml:"DAV: getetag"`
				Data string `xml:"urn:ietf:params:xml:ns:caldav calendar-data"`
			} `xml:"DAV: prop"`
		} `xml:"DAV: propstat"`
	} `xml:"DAV: response"`
	Token string `xml:"DAV: sync-token"`
}

// report gives what a REPORT shows, by the name of the object without its ending; the zero version is "404". Objects whose
// octets could not be read are left out, and whole is false.
func (c *fleetClient) report(body string) (shown map[string]version, token string, whole bool, err error) {
	answer, text, err := c.ask("REPORT", fleetFolder, nil, body)
	if err != nil {
		return nil, "", false, err
	}
	if answer.StatusCode == 403 && strings.Contains(string(text), "valid-sync-token") {
		return nil, "", false, errOldToken
	}
	var m fleetAnswer
	if err := xml.Unmarshal(text, &m); answer.StatusCode != 207 || err != nil {
		c.t.Errorf("REPORT: %s %v %s", answer.Status, err, text)
		return nil, "", false, errNoAnswer
	}
	shown, whole = map[string]version{}, true
	for _, r := range m.Responses {
		name := strings.TrimSuffix(r.Href[strings.LastIndexByte(r.Href, '/')+1:], ".ics")
		if _, twice := shown[name]; twice {
			c.t.Errorf("REPORT shows %s twice: %s", name, text)
		}
		switch {
		case strings.Contains(r.Status, " 404 "):
			shown[name] = version{}
		case len(r.Propstat) != 1 || !strings.Contains(r.Propstat[0].Status, " 200 "):
			c.h.count("unreadable")
			whole = false
		default:
			if v, ok := c.saw(name, r.Propstat[0].Prop.Data, r.Propstat[0].Prop.ETag); ok {
				shown[name] = v
			}
		}
	}
	return shown, m.Token, whole, nil
}

var errOldToken = errors.New("valid-sync-token")

const reportProperties = `<D:prop><D:getetag/><C:calendar-data/></D:prop>`

func (c *fleetClient) multiget(objects []string) {
	call := c.h.now()
	var hrefs strings.Builder
	for _, o := range objects {
		hrefs.WriteString("<D:href>" + fleetFolder + o + ".ics</D:href>")
	}
	shown, _, _, err := c.report(`<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">` + reportProperties + hrefs.String() + `</C:calendar-multiget>`)
	if err != nil {
		return
	}
	for _, o := range objects {
		if v, ok := shown[o]; ok {
			c.read(o, call, v)
		} else {
			c.h.count("unreadable")
		}
	}
}

// judge lets the checker look at the history of every object.
func (h *history) judge(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, object := range slices.Sorted(maps.Keys(h.objects)) {
		operations := h.objects[object]
		result := porcupine.CheckOperationsTimeout(registerModel, operations, 3*time.Minute)
		if result == porcupine.Ok {
			continue
		}
		slices.SortFunc(operations, func(a, b porcupine.Operation) int { return int(a.Call/1000 - b.Call/1000) })
		var text strings.Builder
		for _, o := range operations {
			end := "never"
			if o.Return != never {
				end = fmt.Sprintf("%.6f", float64(o.Return)/1e9)
			}
			fmt.Fprintf(&text, "%.6f to %s  client %d  %v -> %+v\n", float64(o.Call)/1e9, end, o.ClientId, o.Input, o.Output)
		}
		t.Errorf("the history of %s, begun %s, is judged %s:\n%s", object, h.begin.Format(time.StampMicro), result, text.String())
	}
	for _, operations := range h.objects {
		h.counts["longest"] = max(h.counts["longest"], len(operations))
	}
	t.Logf("%d objects: %v", len(h.objects), h.counts)
}
