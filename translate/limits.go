package translate

// Bounds on one calendar object. What is beyond them is refused before it is
// stored (RFC 4791 section 5.3.2.1) and skipped where it came by other ways.
const (
	// MaxObject is CALDAV:max-resource-size, in octets of iCalendar text
	// (RFC 4791 section 5.2.5).
	MaxObject = 10 << 20
	// MaxDepth is how deep components may nest, VCALENDAR counted.
	MaxDepth = 16
	// MaxComponents is how many components one calendar object may have.
	MaxComponents = 20_000
	// MaxLine is the length of one content line in octets, folds counted. An
	// inline attachment is one line, so it is not shorter than an object.
	MaxLine = MaxObject
	// MaxLineHead is the length of the name and parameters of a content line,
	// in octets without folds.
	MaxLineHead = 256 << 10
	// MaxParameters is how many parameters one content line may have.
	MaxParameters = 256
	// MaxUID is the longest iCalendar UID, in octets, that is stored as it is;
	// StoredUID is the form of longer ones.
	MaxUID = 255
	// MaxFilter is how many elements a CALDAV:filter may have in all, so that
	// its cost per object stays bounded.
	MaxFilter = 100
	// MaxFilterDepth is how deep CALDAV:comp-filter may nest.
	MaxFilterDepth = MaxDepth
	// MinDateTime and MaxDateTime are CALDAV:min-date-time and max-date-time (RFC
	// 4791 sections 5.2.6 and 5.2.7): what four digits of a year can say.
	MinDateTime = "00010101T000000Z"
	MaxDateTime = "99991231T235959Z"
	// MaxInstances is how many instances of one object are answered
	// (CALDAV:max-instances, RFC 4791 section 5.2.8).
	MaxInstances = 10_000
	// MaxAttendees is CALDAV:max-attendees-per-instance (RFC 4791 section 5.2.9).
	MaxAttendees = 10_000
	// maxSummary is how much of a SUMMARY is kept for a mail subject, in octets.
	maxSummary = 255
)
