package gateway

import (
	"fmt"
	"net/http"
	"path"
	"strings"
)

// Services are parts of what a gateway does that can be switched off.
type Services uint8

// The services. ServeUnpublish is DELETE of a feed, which empties the calendar.
const (
	ServeCalDAV Services = 1 << iota
	ServePublish
	ServePublishDelete
	ServeUnpublish

	ServeAll = ServeCalDAV | ServePublish | ServePublishDelete | ServeUnpublish
)

// ServiceNames are the services as a configuration names them.
var ServiceNames = []string{"caldav", "publish", "publish-delete", "unpublish"}

// ParseService reads the name of a service.
func ParseService(name string) (Services, error) {
	for i, n := range ServiceNames {
		if n == name {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", name, strings.Join(ServiceNames, ", "))
}

func (h *handler) serves(s Services) bool { return h.Services&s != 0 }

// served tells whether the realm of the request is. What is off is not there.
func (q *request) served() error {
	on := true
	switch q.target.Realm {
	case RealmCalDAV, RealmUser, RealmRoot, RealmWellKnown:
		on = q.h.serves(ServeCalDAV)
	case RealmFeed:
		on = q.h.serves(ServePublish)
	case RealmFeedDel:
		on = q.h.serves(ServePublishDelete)
	}
	if !on {
		return notFound("no such resource")
	}
	return nil
}

// admitted tells whether the account that has just logged in may use this gateway. It
// comes after the login, so that only its owner learns that it may not.
func (q *request) admitted() error {
	account := q.login.account
	if matchesAccount(q.h.Deny, account) || len(q.h.Allow) > 0 && !matchesAccount(q.h.Allow, account) {
		return &HTTPError{Code: http.StatusForbidden, Public: "this account may not use calendars here; the administrator of the mail server can change that"}
	}
	return nil
}

// matchesAccount compares an account with patterns in which "*" stands for anything.
func matchesAccount(patterns []string, account string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(escapePattern.Replace(strings.ToLower(p)), escapeAccount.Replace(strings.ToLower(account))); ok {
			return true
		}
	}
	return false
}

// path.Match knows more than "*", and its "*" stops at a slash.
var (
	escapePattern = strings.NewReplacer("?", `\?`, "[", `\[`, `\`, `\\`, "/", "\x00")
	escapeAccount = strings.NewReplacer("/", "\x00")
)
