package test
import (
 _ "github.com/emersion/go-imap/v2/imapclient"
 _ "github.com/emersion/go-imap/v2/imapserver/imapmemserver"
 _ "github.com/emersion/go-ical"
 _ "github.com/emersion/go-webdav/caldav"
 _ "github.com/emersion/go-sasl"
 _ "golang.org/x/sync/errgroup"
 _ "golang.org/x/text/unicode/norm"
 _ "golang.org/x/term"
 _ "github.com/maypok86/otter/v2"
 _ "pgregory.net/rapid"
 _ "github.com/teambition/rrule-go"
 _ "github.com/rogpeppe/go-internal/txtar"
 _ "github.com/google/go-cmp/cmp"
)
