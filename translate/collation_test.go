package translate

import "testing"

// TestUnicodeCasemap: RFC 5051 section 2 to the letter. A character is decomposed after it got its title case, so that
// what it is decomposed to keeps its own: a ligature holds small letters, and is not what those are mapped to.
func TestUnicodeCasemap(t *testing.T) {
	for text, want := range map[string]string{
		"straße": "STRAßE", "ﬁ": "fi", "fi": "FI", "ü": "U\u0308", "ﾊ": "ハ", "①": "1", "ς": "Σ",
		"\u01C4": "Dz\u030C", // the example of the RFC
		"a\xFC":  "a\xFC",
	} {
		if got := string(unicodeCasemap(&texts{}, nil, []byte(text))); got != want {
			t.Errorf("%q is mapped to %q, want %q", text, got, want)
		}
	}
	m := TextMatch{Collation: "i;unicode-casemap", Text: "\xFC"}
	if m.match([]byte("\xDF"), &texts{}) {
		t.Error("octets that are no UTF-8 are all the same")
	}
}
