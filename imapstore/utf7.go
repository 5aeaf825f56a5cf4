package imapstore

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Modified UTF-7 (RFC 3501 section 5.1.3), in which every IMAP4rev1 server writes mailbox names.

var utf7Base64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding).Strict()

var errUTF7 = errors.New("not modified UTF-7")

// encodeUTF7 writes valid UTF-8 in modified UTF-7.
func encodeUTF7(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		if c == '&' {
			b.WriteString("&-")
			i++
			continue
		}
		if c >= ' ' && c < 0x7f {
			b.WriteByte(c)
			i++
			continue
		}
		end := i
		for end < len(s) && (s[end] < ' ' || s[end] >= 0x7f) {
			end++
		}
		var u []byte
		for _, unit := range utf16.Encode([]rune(s[i:end])) {
			u = append(u, byte(unit>>8), byte(unit))
		}
		b.WriteString("&" + utf7Base64.EncodeToString(u) + "-")
		i = end
	}
	return b.String()
}

// DecodeUTF7 reads modified UTF-7. What encodeUTF7 would not have written is an error: the mailbox could not be named back.
func DecodeUTF7(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c >= 0x7f {
			return "", errUTF7
		}
		if c != '&' {
			b.WriteByte(c)
			continue
		}
		end := strings.IndexByte(s[i:], '-')
		if end < 0 {
			return "", errUTF7
		}
		part := s[i+1 : i+end]
		i += end
		if part == "" {
			b.WriteByte('&')
			continue
		}
		u, err := utf7Base64.DecodeString(part)
		if err != nil || len(u)%2 != 0 {
			return "", errUTF7
		}
		units := make([]uint16, 0, len(u)/2)
		for k := 0; k < len(u); k += 2 {
			units = append(units, uint16(u[k])<<8|uint16(u[k+1]))
		}
		for _, r := range utf16.Decode(units) {
			if r == utf8.RuneError {
				return "", errUTF7
			}
			b.WriteRune(r)
		}
	}
	out := b.String()
	if encodeUTF7(out) != s {
		return "", errUTF7
	}
	return out, nil
}
