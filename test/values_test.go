package test

import (
	"regexp"
	"strings"
)

// values are what {name} stands for in a scenario.
type values map[string]string

var placeholder = regexp.MustCompile(`\{([a-z*][a-z0-9-]*|\*)(?:=([^{}]*))?\}`)

// fill replaces the values that are known; others stay.
func (v values) fill(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(p string) string {
		if value, ok := v[placeholder.FindStringSubmatch(p)[1]]; ok {
			return value
		}
		return p
	})
}

// match tells whether text is what the pattern says, and then sets the values that the pattern is the first to name.
func (v values) match(pattern, text string) bool {
	var expression strings.Builder
	var names []string
	rest := pattern
	for {
		at := placeholder.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		expression.WriteString(regexp.QuoteMeta(rest[:at[0]]))
		name, form := rest[at[2]:at[3]], ".+?"
		if at[4] >= 0 {
			form = rest[at[4]:at[5]]
		}
		rest = rest[at[1]:]
		value, known := v[name]
		switch {
		case name == "*":
			expression.WriteString(`.*?`)
		case known:
			expression.WriteString(regexp.QuoteMeta(value))
		default:
			expression.WriteString("(" + form + ")")
			names = append(names, name)
		}
	}
	expression.WriteString(regexp.QuoteMeta(rest))
	re, err := regexp.Compile(`(?s)\A` + expression.String() + `\z`)
	if err != nil {
		return false
	}
	found := re.FindStringSubmatch(text)
	if found == nil {
		return false
	}
	for i, name := range names {
		if before, set := v[name]; set && before != found[i+1] {
			return false // twice in one text, with two values
		}
		v[name] = found[i+1]
	}
	return true
}

// name replaces known values in text by their names, for -update.
func (v values) name(text string) string {
	for name, value := range v {
		if name != "password" && value != "" && (value == text || name == "user" || name == "host") {
			text = strings.ReplaceAll(text, value, "{"+name+"}")
		}
	}
	return text
}
