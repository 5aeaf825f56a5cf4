package test

import (
	"fmt"
	"hash/maphash"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// What an object is, said as simply as can be: a register with compare-and-swap. Every write writes a value of its own, so a
// value names a version as an ETag does.

// action is what a client asked for.
type action struct {
	method string // GET, PUT, DELETE
	value  string // of a PUT: what it writes
	match  string // If-Match: the value that the client knows; "" without
	absent bool   // If-None-Match: *
	repeat bool   // the same request was sent before, and no answer came
}

// outcome is what the client was told. Status 0: nothing, or 5xx; the request may take effect now, later or never.
type outcome struct {
	status int
	value  string // of a GET
}

func (a action) String() string {
	s := a.method
	if a.value != "" {
		s += " " + a.value
	}
	if a.match != "" {
		s += " if " + a.match
	}
	if a.absent {
		s += " if absent"
	}
	if a.repeat {
		s += " (repeated)"
	}
	return s
}

// kind is what the answers to such writes are counted under.
func (a action) kind() string {
	switch {
	case a.absent:
		return a.method + " if absent"
	case a.match != "":
		return a.method + " if match"
	}
	return a.method + " in any case"
}

// register is the state of one object: the value it shows, "" where there is none, and the values that a DELETE replaced.
type register struct {
	value   string
	deleted *deletion
}

// deletion is a list that grows at its front only, with a hash over all of it.
type deletion struct {
	value string
	hash  uint64
	older *deletion
}

var registerSeed = maphash.MakeSeed()

func (r register) delete() register {
	d := &deletion{r.value, maphash.String(registerSeed, r.value), r.deleted}
	if d.older != nil {
		d.hash ^= d.older.hash
	}
	return register{"", d}
}

func (r register) hash() uint64 {
	h := maphash.String(registerSeed, "="+r.value)
	if r.deleted != nil {
		h ^= r.deleted.hash
	}
	return h
}

func (r register) hasDeleted(value string) bool {
	for d := r.deleted; d != nil; d = d.older {
		if d.value == value {
			return true
		}
	}
	return false
}

// step says whether the outcome can be that of the action on this state, and what the state is then.
func (r register) step(a action, o outcome) (register, bool) {
	if a.method == "GET" {
		return r, o.value == r.value
	}
	holds := (a.match == "" || a.match == r.value) && (!a.absent || r.value == "")
	if a.method == "DELETE" {
		holds = holds && r.value != ""
	}
	after := register{a.value, r.deleted}
	if a.method == "DELETE" {
		after = r.delete()
	}
	// Somebody has done it already: this very request, when it was sent first; of a DELETE, any other.
	done := a.repeat && a.method == "PUT" && r.value == a.value ||
		a.method == "DELETE" && a.match != "" && r.value == "" && r.hasDeleted(a.match)
	switch {
	case o.status == 0 && !holds:
		return r, true
	case o.status == 0:
		return after, true // never is after the end of the history
	case o.status == 201:
		return after, holds && a.method == "PUT" && r.value == ""
	case o.status == 204 && done:
		return r, true
	case o.status == 204:
		return after, holds && r.value != ""
	case o.status == 412:
		return r, (a.match != "" || a.absent) && !holds && (!done || a.method == "DELETE")
	case o.status == 404:
		return r, a.method == "DELETE" && r.value == "" && a.match == ""
	}
	return r, false
}

var registerModel = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, input, output any) (bool, any) {
		next, ok := state.(register).step(input.(action), output.(outcome))
		return ok, next
	},
	Equal: func(a, b any) bool {
		return a.(register).value == b.(register).value && a.(register).hash() == b.(register).hash()
	},
	Hash: func(state any) uint64 { return state.(register).hash() },
	DescribeOperation: func(input, output any) string {
		return fmt.Sprintf("%v -> %+v", input, output)
	},
}

// never is when a request without an answer returns.
const never = int64(1) << 60

// TestRegister: the checker that judges the fleet finds what it is for.
func TestRegister(t *testing.T) {
	t.Parallel()
	at := func(call, end int64, a action, o outcome) porcupine.Operation {
		return porcupine.Operation{Input: a, Output: o, Call: call, Return: end}
	}
	create := func(value string) action { return action{method: "PUT", value: value, absent: true} }
	update := func(value, match string) action { return action{method: "PUT", value: value, match: match} }
	get := action{method: "GET"}
	first := at(0, 1, create("a"), outcome{status: 201})
	for _, tt := range []struct {
		name    string
		history []porcupine.Operation
		want    porcupine.CheckResult
	}{
		{"one after the other", []porcupine.Operation{first, at(2, 3, update("b", "a"), outcome{status: 204}), at(4, 5, get, outcome{200, "b"})}, porcupine.Ok},
		{"lost update", []porcupine.Operation{first, at(2, 5, update("b", "a"), outcome{status: 204}), at(2, 5, update("c", "a"), outcome{status: 204})}, porcupine.Illegal},
		{"two creates", []porcupine.Operation{first, at(0, 1, create("b"), outcome{status: 201})}, porcupine.Illegal},
		{"lost write", []porcupine.Operation{first, at(2, 3, get, outcome{status: 404})}, porcupine.Illegal},
		{"stale read", []porcupine.Operation{first, at(2, 3, update("b", "a"), outcome{status: 204}), at(4, 5, get, outcome{200, "a"})}, porcupine.Illegal},
		{"412 for nothing", []porcupine.Operation{first, at(2, 3, update("b", "a"), outcome{status: 412})}, porcupine.Illegal},
		{"no answer, late", []porcupine.Operation{first, at(2, never, update("b", "a"), outcome{}), at(4, 5, get, outcome{200, "a"}), at(6, 7, get, outcome{200, "b"})}, porcupine.Ok},
		{"no answer, undone", []porcupine.Operation{first, at(2, never, update("b", "a"), outcome{}), at(4, 5, get, outcome{200, "b"}), at(6, 7, get, outcome{200, "a"})}, porcupine.Illegal},
		{"no answer, a refused write follows", []porcupine.Operation{first, at(2, never, update("b", "a"), outcome{}), at(4, 5, update("c", "a"), outcome{status: 412})}, porcupine.Ok},
		{"repeated", []porcupine.Operation{first, at(2, never, update("b", "a"), outcome{}), at(4, 5, action{method: "PUT", value: "b", match: "a", repeat: true}, outcome{status: 204})}, porcupine.Ok},
		{"deleted twice", []porcupine.Operation{first, at(2, 3, action{method: "DELETE", match: "a"}, outcome{status: 204}), at(4, 5, action{method: "DELETE", match: "a"}, outcome{status: 204})}, porcupine.Ok},
		{"deleted and back", []porcupine.Operation{first, at(2, 3, action{method: "DELETE"}, outcome{status: 204}), at(4, 5, get, outcome{200, "a"})}, porcupine.Illegal},
	} {
		if got := porcupine.CheckOperationsTimeout(registerModel, tt.history, time.Minute); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
