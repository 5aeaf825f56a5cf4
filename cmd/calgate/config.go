package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"calgate/gateway"
	"calgate/imapstore"
)

// config is what flags and environment say. Zero values mean what the flag's default says once parse has run.
type config struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	imap        string
	imapCA      string
	others      string
	shares      string
	imapOptions imapstore.Options // made of the above by validate
	sessions    int
	perLogin    int
	loginAge    time.Duration
	dialTimeout time.Duration
	loginWait   time.Duration
	imapTimeout time.Duration

	listen, listenTLS           string
	tlsCert, tlsKey             string
	insecureHTTP, behindTLS     bool
	progressTimeout, drainLimit time.Duration

	domains                       domains
	defaultCalendar, defaultTasks string
	calendarRoot, tasksRoot       string
	calendars, tasks              list
	allow, deny                   list
	realms                        realms
	deleteScope                   string
	autocreate, subscribe         bool
	keepDeleted                   time.Duration
	cacheSize                     size
	noCache                       bool
	logFormat                     string

	mailbox, name string // undelete, fsck
	repair        bool
	probe         bool

	user     string // check, undelete, fsck
	password string // the same, by CALGATE_PASSWORD only: other users see arguments
}

// option is a flag and its environment variable.
type option struct {
	name     string
	argument string // "" for a switch
	about    string
	value    flag.Value
	only     bool // only in the environment
}

// environment is the name of the variable that stands for the flag.
func (o option) environment() string {
	return "CALGATE_" + strings.ToUpper(strings.ReplaceAll(o.name, "-", "_"))
}

// parse reads flags, then environment for what no flag says. It returns every mistake at once, and help for -h.
func (c *config) parse(cmd command, args []string) (help bool, err error) {
	options := cmd.flags(c)
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	for _, o := range options {
		if !o.only {
			fs.Var(o.value, o.name, o.about)
		}
	}
	var mistakes []error
	for len(args) > 0 {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			return true, nil
		}
		if err != nil {
			mistakes = append(mistakes, err)
		}
		if args = fs.Args(); err == nil && len(args) > 0 {
			mistakes = append(mistakes, fmt.Errorf("unexpected argument %q", args[0]))
			args = args[1:]
		}
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	mistakes = append(mistakes, fromEnvironment(options, given, os.Environ())...)
	if cmd.name != "version" {
		mistakes = append(mistakes, c.validate(cmd.name)...)
	}
	return false, errors.Join(mistakes...)
}

// fromEnvironment sets what no flag has set. A variable of another command is no mistake: one file of settings serves all.
func fromEnvironment(options []option, given map[string]bool, environment []string) []error {
	known := map[string]bool{}
	for _, cmd := range commands() {
		for _, o := range cmd.flags(&config{}) {
			known[o.environment()] = true
		}
	}
	variables := map[string]string{}
	for _, entry := range environment {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "CALGATE_") {
			variables[name] = value
		}
	}
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if !known[name] {
			mistakes = append(mistakes, fmt.Errorf("environment: no variable %s", name))
		}
	}
	for _, o := range options {
		value, ok := variables[o.environment()]
		if !ok || given[o.name] {
			continue
		}
		values := []string{value}
		if _, repeated := o.value.(interface{ repeated() }); repeated {
			values = strings.Split(value, ",")
		}
		for _, v := range values {
			if err := o.value.Set(v); err != nil && o.only {
				mistakes = append(mistakes, fmt.Errorf("%s: %w", o.environment(), err)) // a secret is not shown
			} else if err != nil {
				mistakes = append(mistakes, fmt.Errorf("invalid value %q for %s: %w", v, o.environment(), err))
			}
		}
	}
	return mistakes
}

// logger writes to stderr: stdout is for what a command was asked to print.
func (c *config) logger() *slog.Logger {
	if c.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(c.stderr, nil))
	}
	return slog.New(slog.NewTextHandler(c.stderr, nil))
}

// The kinds of flag values. Each String of a fresh one is the default that usage and manual show.

type text string

func (v *text) String() string     { return string(*v) }
func (v *text) Set(s string) error { *v = text(s); return nil }

// str makes p a flag value with a default.
func str(p *string, byDefault string) flag.Value {
	*p = byDefault
	return (*text)(p)
}

type choice struct {
	p       *string
	choices []string
}

func (v choice) String() string {
	if v.p == nil {
		return ""
	}
	return *v.p
}

func (v choice) Set(s string) error {
	if !slices.Contains(v.choices, s) {
		return fmt.Errorf("it is one of %s", strings.Join(v.choices, ", "))
	}
	*v.p = s
	return nil
}

type toggle bool

func (v *toggle) IsBoolFlag() bool { return true }
func (v *toggle) String() string {
	if v == nil || !*v {
		return ""
	}
	return "true"
}

func (v *toggle) Set(s string) error {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("it is true or false")
	}
	*v = toggle(b)
	return nil
}

func on(p *bool, byDefault bool) flag.Value {
	*p = byDefault
	return (*toggle)(p)
}

type number int

func (v *number) String() string { return strconv.Itoa(int(*v)) }
func (v *number) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return errors.New("it is a number from 1 on")
	}
	*v = number(n)
	return nil
}

func count(p *int, byDefault int) flag.Value {
	*p = byDefault
	return (*number)(p)
}

type duration time.Duration

func (v *duration) String() string {
	s := time.Duration(*v).String()
	s = strings.TrimSuffix(s, "0s")
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	if s == "" {
		return "0s"
	}
	if last := s[len(s)-1]; last >= '0' && last <= '9' {
		return time.Duration(*v).String() // 10s has lost its unit
	}
	return s
}

func (v *duration) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return errors.New("it is a time such as 30s, 10m or 720h")
	}
	*v = duration(d)
	return nil
}

func span(p *time.Duration, byDefault time.Duration) flag.Value {
	*p = byDefault
	return (*duration)(p)
}

// size is a number of octets, in steps of MiB.
type size int64

func (v *size) String() string { return strconv.FormatInt(int64(*v)>>20, 10) + "M" }
func (v *size) Set(s string) error {
	n, err := strconv.ParseInt(strings.TrimSuffix(s, "M"), 10, 32)
	if err != nil || n < 1 || !strings.HasSuffix(s, "M") {
		return errors.New("it is a size such as 256M")
	}
	*v = size(n << 20)
	return nil
}

func octets(p *size, byDefault size) flag.Value {
	*p = byDefault
	return p
}

// list is a flag that may be repeated.
type list []string

func (v *list) repeated()          {}
func (v *list) String() string     { return strings.Join(*v, ",") }
func (v *list) Set(s string) error { *v = append(*v, s); return nil }

// realms is -realms: services that are on. Zero is all of them.
type realms gateway.Services

func (v *realms) repeated() {}
func (v *realms) String() string {
	var names []string
	for i, name := range gateway.ServiceNames {
		if *v&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

func (v *realms) Set(s string) error {
	for name := range strings.SplitSeq(s, ",") {
		service, err := gateway.ParseService(strings.TrimSpace(name))
		if err != nil {
			return err
		}
		*v |= realms(service)
	}
	return nil
}

// domains is -domain: D for every host, or HOST=D.
type domains map[string]string

func (v *domains) repeated() {}
func (v *domains) String() string {
	var all []string
	for _, host := range slices.Sorted(maps.Keys(*v)) {
		all = append(all, strings.TrimPrefix(host+"="+(*v)[host], "="))
	}
	return strings.Join(all, ",")
}

func (v *domains) Set(s string) error {
	host, domain, mapped := strings.Cut(s, "=")
	if !mapped {
		host, domain = "", s
	}
	if domain == "" || (mapped && host == "") || strings.ContainsAny(s, "@%/ \t\r\n") {
		return errors.New("it is a domain, or HOST=DOMAIN")
	}
	if *v == nil {
		*v = domains{}
	}
	host = strings.ToLower(host)
	if before, ok := (*v)[host]; ok && !strings.EqualFold(before, domain) {
		return fmt.Errorf("the same host has the domain %s already", before)
	}
	(*v)[host] = strings.ToLower(domain)
	return nil
}

// of is the domain that a Host header names (RFC 9110 section 7.2); "" = none.
func (v domains) of(host string) string {
	if d, ok := v[strings.ToLower(host)]; ok {
		return d
	}
	return v[""]
}
