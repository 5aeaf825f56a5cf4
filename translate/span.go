package translate

// Span says between which instants an object can lie.
type Span struct {
	Version                int
	Component              string
	Start, End             int64
	Recurs, Floats, Alarms bool
}

// String is the value of X-Calgate-Span.
func (s Span) String() string { return "" }

// ParseSpan reads the value of X-Calgate-Span.
func ParseSpan(s string) (Span, bool) { return Span{}, false }

// MayOverlap says whether the object may overlap a range.
func (s Span) MayOverlap(start, end int64) bool { return true }
