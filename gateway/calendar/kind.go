package calendar

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"calgate/imapstore"
)

// Kind is what a calendar mailbox is for.
type Kind int

// The kinds of calendar mailboxes. NoCalendar is every other mailbox: mail.
const (
	NoCalendar Kind = iota
	Events
	Tasks
)

func (k Kind) String() string { return [...]string{"mail", "calendar", "tasks"}[k] }

// The names that mail programs and servers give the default mailboxes, in order
// of preference. The name alone must do: stock servers have no usable METADATA.
var (
	calendarNames = []string{"Calendar", "Kalender", "Calendrier", "Calendario", "Calendário", "Agenda", "Kalendář", "Kalendarz", "Naptár", "Календарь", "日历", "カレンダー"}
	tasksNames    = []string{"Tasks", "Aufgaben", "Tâches", "Tareas", "Attività", "Taken", "Tarefas", "Úkoly", "Zadania", "Feladatok", "Задачи", "任务", "タスク"}
)

// Roots by name, for servers on which the default mailboxes cannot have children.
const (
	spareCalendarRoot = "Calendars"
	spareTasksRoot    = "Tasklists"
)

// never are mailboxes that no pattern makes a calendar; special uses (RFC 6154)
// and the user's settings mailbox are others.
var never = []string{"INBOX", "Sent", "Drafts", "Trash", "Junk", settingsMailbox}

// reasons why a mailbox is a calendar, in the words of calgate check.
const (
	byPattern = "by -calendar or -tasks"
	byType    = "by its Kolab folder type"
	byName    = "by its name"
	byRoot    = "below a calendar root"
)

// kinds tells calendar mailboxes from mail.
type kinds struct {
	o                Options
	calendars, tasks *regexp.Regexp
}

func newKinds(o Options) kinds { return kinds{o, pattern(o.Calendars), pattern(o.Tasks)} }

// of tells what a mailbox is for, and why. folderType is what METADATA says of it,
// "" where it says nothing.
func (k kinds) of(l imapstore.Listed, folderType string) (Kind, string) {
	top, _, nested := strings.Cut(l.Name, "/")
	for _, n := range never {
		if strings.EqualFold(top, n) {
			return NoCalendar, ""
		}
	}
	if l.SpecialUse != "" {
		return NoCalendar, ""
	}
	o := k.o
	switch {
	case k.calendars.MatchString(l.Name):
		return Events, byPattern
	case k.tasks.MatchString(l.Name):
		return Tasks, byPattern
	case isType(folderType, "event"):
		return Events, byType
	case isType(folderType, "task"):
		return Tasks, byType
	case below(o.CalendarRoot, l.Name), nested && strings.EqualFold(top, spareCalendarRoot):
		return Events, byRoot
	case below(o.TasksRoot, l.Name), nested && strings.EqualFold(top, spareTasksRoot):
		return Tasks, byRoot
	case l.Name == o.DefaultCalendar, inTable(calendarNames, top):
		return Events, byName
	case l.Name == o.DefaultTasks, inTable(tasksNames, top):
		return Tasks, byName
	case below(o.DefaultCalendar, l.Name):
		return Events, byName
	case below(o.DefaultTasks, l.Name):
		return Tasks, byName
	}
	return NoCalendar, ""
}

// isType compares a folder type, with or without ".default" and the like.
func isType(folderType, kind string) bool {
	t, _, _ := strings.Cut(folderType, ".")
	return t == kind
}

func below(root, name string) bool {
	return root != "" && strings.HasPrefix(name, root+"/")
}

func inTable(table []string, name string) bool {
	return slices.ContainsFunc(table, func(t string) bool { return strings.EqualFold(t, norm.NFC.String(name)) })
}

// pattern compiles patterns in the manner of LIST (RFC 3501 section 6.3.8): "*"
// is anything, "%" anything within a level. Without patterns it matches nothing.
func pattern(patterns []string) *regexp.Regexp {
	var alternatives []string
	for _, p := range patterns {
		q := strings.NewReplacer(`\*`, `.*`, `%`, `[^/]*`).Replace(regexp.QuoteMeta(p))
		alternatives = append(alternatives, q)
	}
	if alternatives == nil {
		return regexp.MustCompile(`[^\s\S]`)
	}
	return regexp.MustCompile(`(?s)^(?:` + strings.Join(alternatives, "|") + `)$`)
}
