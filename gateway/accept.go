package gateway

import (
	"mime"
	"strconv"
	"strings"
)

// prefersJSON tells whether a client asks for jCal by name and does not like
// text/calendar as much (RFC 7265 section 7, RFC 9110 section 12.5.1). Wildcards do
// not count: programs ask for events in the strangest types and mean text/calendar.
func prefersJSON(accept []string) bool {
	var json, text float64
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		format, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		if err != nil {
			q = 1
		}
		switch format {
		case jcalType:
			json = max(json, q)
		case "text/calendar":
			text = max(text, q)
		}
	}
	return json > text
}
