package calendar

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"calgate/imapstore"
)

func listed(names ...string) []imapstore.Listed {
	var l []imapstore.Listed
	for _, n := range names {
		name, noSelect := strings.CutSuffix(n, "!")
		name, noInferiors := strings.CutSuffix(name, "|")
		l = append(l, imapstore.Listed{Mailbox: imapstore.Mailbox{Name: name}, NoSelect: noSelect, NoInferiors: noInferiors})
	}
	return l
}

// paths are the canonical paths of a home, each with its mailbox where that is
// another.
func paths(h *Home) (out []string) {
	for _, c := range h.Calendars {
		p := strings.Join(c.Path, "/")
		if p != c.Mailbox {
			p += " = " + c.Mailbox
		}
		out = append(out, p)
	}
	return out
}

func TestHome(t *testing.T) {
	for _, tt := range []struct {
		name     string
		o        Options
		listed   []imapstore.Listed
		types    map[string]string
		want     []string
		calendar string // the defaults; "-" in front: not there yet
		tasks    string
	}{
		{name: "nothing", listed: listed("INBOX", "Sent", "Work"), calendar: "-Calendar", tasks: "-Tasks"},
		{name: "both", listed: listed("Calendar", "INBOX", "Tasks"), want: []string{"Calendar", "Tasks"}, calendar: "Calendar", tasks: "Tasks"},
		{name: "any case and language", listed: listed("kalender", "AUFGABEN"), want: []string{"AUFGABEN", "kalender"}, calendar: "kalender", tasks: "AUFGABEN"},
		{name: "order of the table", listed: listed("Agenda", "Kalender"), want: []string{"Agenda", "Kalender"}, calendar: "Kalender", tasks: "-Tasks"},
		{name: "decomposed", listed: listed("Kalenda\u0301rz", "Ta\u0302ches"), want: []string{"Ta\u0302ches"}, calendar: "-Calendar", tasks: "Ta\u0302ches"},
		{name: "below the roots", listed: listed("Calendar", "Calendar/Work", "Tasks", "Tasks/Shopping"),
			want: []string{"Calendar", "Shopping = Tasks/Shopping", "Tasks", "Work = Calendar/Work"}, calendar: "Calendar", tasks: "Tasks"},
		{name: "two meet in one path", listed: listed("Calendar", "Calendar/Work", "Tasks", "Tasks/Work"),
			want: []string{"Calendar", "Tasks", "Tasks/Work", "Work = Calendar/Work"}, calendar: "Calendar", tasks: "Tasks"},
		{name: "a child named like a default", listed: listed("Calendar", "Calendar/Tasks"),
			want: []string{"Calendar", "Calendar/Tasks"}, calendar: "Calendar", tasks: "-Tasks"},
		{name: "a mail folder hides nothing", listed: listed("Calendar", "Calendar/Work", "Work"),
			want: []string{"Calendar", "Work = Calendar/Work"}, calendar: "Calendar", tasks: "-Tasks"},
		{name: "a calendar by pattern comes first", o: Options{Calendars: []string{"Work"}}, listed: listed("Calendar", "Calendar/Work", "Work"),
			want: []string{"Calendar", "Calendar/Work", "Work"}, calendar: "Calendar", tasks: "-Tasks"},
		{name: "patterns", o: Options{Calendars: []string{"Team/%"}, Tasks: []string{"Todo*"}}, listed: listed("Team", "Team/A", "Team/A/B", "Todo", "Todo/X"),
			want: []string{"Team/A", "Todo", "Todo/X"}, calendar: "-Calendar", tasks: "-Tasks"},
		{name: "mail stays mail", o: Options{Calendars: []string{"*"}}, listed: listed("INBOX", "INBOX/Calendar", "Sent", "Drafts", "Trash", "Junk", "calgate"), calendar: "-Calendar", tasks: "-Tasks"},
		{name: "noselect root", listed: listed("Calendar!", "Calendar/Work"), want: []string{"Work = Calendar/Work"}, calendar: "-Calendar", tasks: "-Tasks"},
		{name: "no inferiors", listed: listed("Calendar|", "Calendars!", "Calendars/Work", "Tasklists/List", "Tasks|"),
			want: []string{"Calendar", "List = Tasklists/List", "Tasks", "Work = Calendars/Work"}, calendar: "Calendar", tasks: "Tasks"},
		{name: "encoded levels", listed: listed("Calendar", "Calendar/A=2EB", "Calendar/=F0=9F=8E=89"),
			want: []string{"A.B = Calendar/A=2EB", "Calendar", "🎉 = Calendar/=F0=9F=8E=89"}, calendar: "Calendar", tasks: "-Tasks"},
		{name: "a literal name wins", listed: listed("Calendar", "Calendar/A.B", "Calendar/A=2EB"),
			want: []string{"A.B = Calendar/A.B", "Calendar", "Calendar/A=2EB"}, calendar: "Calendar", tasks: "-Tasks"},
		{name: "configured defaults", o: Options{DefaultCalendar: "Termine", DefaultTasks: "Team/Liste"}, listed: listed("Calendar", "Termine", "Termine/X"),
			want: []string{"Calendar", "Termine", "X = Termine/X"}, calendar: "Termine", tasks: "-Team/Liste"},
		{name: "folder types", listed: listed("Termine", "Todo", "Calendar", "Kontakte", "INBOX"),
			types: map[string]string{"Termine": "event.default", "Todo": "task", "Kontakte": "contact.default", "INBOX": "event"},
			want:  []string{"Calendar", "Termine", "Todo"}, calendar: "Termine", tasks: "-Tasks"},
		{name: "configured roots", o: Options{CalendarRoot: "Groupware/Cal"}, listed: listed("Calendar", "Groupware/Cal/Work"),
			want: []string{"Calendar", "Work = Groupware/Cal/Work"}, calendar: "Calendar", tasks: "-Tasks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newKinds(tt.o).home(tt.listed, tt.types)
			if d := cmp.Diff(tt.want, paths(h)); d != "" {
				t.Error(d)
			}
			name := func(c Calendar) string {
				if !c.Exists {
					return "-" + c.Mailbox
				}
				return c.Mailbox
			}
			if got := name(h.DefaultCalendar()); got != tt.calendar {
				t.Errorf("default calendar %q, want %q", got, tt.calendar)
			}
			if got := name(h.DefaultTasks()); got != tt.tasks {
				t.Errorf("default tasks %q, want %q", got, tt.tasks)
			}
			for _, c := range h.Calendars {
				for _, path := range [][]string{c.Path, strings.Split(c.Mailbox, "/")} {
					if got, ok := h.Find(path); !ok || got.Mailbox != c.Mailbox {
						t.Errorf("%q leads to %q, want %q", path, got.Mailbox, c.Mailbox)
					}
				}
			}
		})
	}
}

// Each of the names that mail programs give makes the default, in any case, and the one before it in the table goes before it.
func TestDefaultNames(t *testing.T) {
	for kind, names := range map[Kind][]string{
		Events: strings.Fields("Calendar Kalender Calendrier Calendario Calendário Agenda Kalendář Kalendarz Naptár Календарь 日历 カレンダー"),
		Tasks:  strings.Fields("Tasks Aufgaben Tâches Tareas Attività Taken Tarefas Úkoly Zadania Feladatok Задачи 任务 タスク"),
	} {
		for i, name := range names {
			for _, spelt := range []string{name, strings.ToUpper(name)} {
				h := newKinds(Options{}).home(listed(append(slices.Clone(names[i+1:]), spelt)...), nil)
				got := h.DefaultCalendar()
				if kind == Tasks {
					got = h.DefaultTasks()
				}
				if got.Mailbox != spelt || got.Kind != kind || !got.Exists {
					t.Errorf("%s: the default is %q, %v", spelt, got.Mailbox, got.Kind)
				}
			}
		}
	}
}

func TestNewCalendar(t *testing.T) {
	full := listed("Calendar", "Calendar/Work", "Tasks")
	for _, tt := range []struct {
		listed []imapstore.Listed
		path   string
		kind   Kind
		want   string // mailbox, or the kind of the error
	}{
		{full, "New", Events, "Calendar/New"},
		{full, "New", Tasks, "Tasks/New"},
		{full, "Calendar/New", Events, "Calendar/New"},
		{full, "Tasks/New", Events, "Tasks/New"},
		{full, "Work/Sub", Events, "Calendar/Work/Sub"},
		{full, "Nowhere/Sub", Events, "missing ancestor"},
		{full, "~x", Events, "name refused"},
		{full, "\xff\xfe", Events, "name refused"},
		{full, "a.b", Events, "Calendar/a=2Eb"},
		{full, "50% \"off\"", Events, "Calendar/50=25 =22off=22"},
		{full, "🎉", Events, "Calendar/=F0=9F=8E=89"},
		{full, "Bu\u0308ro", Events, "Calendar/Büro"},
		{listed("Calendar|"), "New", Events, "Calendars/New"},
		{listed("Kalender"), "New", Events, "Kalender/New"},
		{listed("Aufgaben|"), "New", Tasks, "Tasklists/New"},
	} {
		c, err := newKinds(Options{}).home(tt.listed, nil).newCalendar(strings.Split(tt.path, "/"), tt.kind)
		got := c.Mailbox
		if err != nil {
			got = err.(*Error).Kind.String()
		}
		if got != tt.want {
			t.Errorf("%q of kind %v: %q, want %q", tt.path, tt.kind, got, tt.want)
		}
	}
}
