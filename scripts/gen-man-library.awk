# SPDX-License-Identifier: MIT
# A header of the library as a manual page: see gen-man-library. Variables: page, header, text.

function escape(s)
{
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	if (s ~ /^[.']/)
		s = "\\&" s
	return s
}

# The lines of a comment as paragraphs; what is indented by a tab stays as it is; errors become a list.
function prose(lines, n,    i, s, code, listed)
{
	for (i = 1; i <= n; i++) {
		s = lines[i]
		if (s ~ /^\t/ || (code && s == "")) {
			if (!code)
				print ".PP\n.nf\n.RS"
			code = 1
			print escape(substr(s, 2))
			continue
		}
		if (code)
			print ".RE\n.fi\n.PP"
		code = 0
		if (s == "") {
			print ".PP"
			listed = 0
			continue
		}
		if (s ~ /^ - /)
			print ".IP \\(bu 2"
		sub(/^ +(- )?/, "", s)
		# "Errors: -E... what; -E... what" is read line by line
		if (match(s, /Errors[^:]*: */)) {
			if (RSTART > 1)
				print escape(substr(s, 1, RSTART - 1))
			print ".PP\n" escape(substr(s, RSTART, RLENGTH))
			s = substr(s, RSTART + RLENGTH)
			listed = 1
		}
		while (listed && match(s, /(^|; )-E[A-Z0-9]+/)) {
			if (RSTART > 1)
				print escape(substr(s, 1, RSTART - 1))
			item = substr(s, RSTART, RLENGTH)
			sub(/^; /, "", item)
			print ".TP\n.B " escape(item)
			s = substr(s, RSTART + RLENGTH)
			sub(/^[ ,:]+/, "", s)
		}
		if (listed)
			sub(/;$/, "", s)
		if (s != "")
			print escape(s)
	}
	if (code)
		print ".RE\n.fi"
}

function verbatim(s)
{
	gsub(/\t/, "        ", s)
	print escape(s)
}

# A comment, whole, is in comment[1..length]; what it is about follows.
/^\/\*/ && !/^\/\* SPDX/ {
	comments = 0
	inside = 1
}
inside {
	s = $0
	last = s ~ /\*\/ *$/
	sub(/^\/\* ?/, "", s)
	sub(/ ?\*\/ *$/, "", s)
	sub(/^ \* ?/, "", s)
	if (s != "" || comments)
		comment[++comments] = s
	if (last) {
		inside = 0
		while (comments && comment[comments] == "")
			comments--
		if (!topped) {
			topped = 1
			tops = comments
			for (i = 1; i <= comments; i++)
				top[i] = comment[i]
			comments = 0
		}
	}
	next
}
/^#define RAWCACHE_[A-Z_]+ / || (/^(struct|enum) .*\{$/ && !begun) || (/^[a-z].*[ *]rawcache_[a-z_]*\(/ && !begun) {
	item_first[++items] = ++all
	what[items] = $0 ~ /^#define/ ? "value" : $0 ~ /\{$/ ? "type" : "call"
	if ($0 ~ /^static inline/)
		what[items] = "inline"
	noted[items] = comments
	for (i = 1; i <= comments; i++)
		note[items, i] = comment[i]
	comments = 0
	all--
	begun = 1
}
begun {
	body[++all] = $0
	item_last[items] = all
	if (what[items] == "value" ? $0 !~ /\\$/ : what[items] == "type" ? /^}/ : what[items] == "inline" ? /^}/ : /;$/)
		begun = 0
	next
}
/^$/ { comments = 0 }

END {
	print ".\\\" Made by scripts/gen-man-library from include/rawcache/" header ": change that one."
	print ".TH " toupper(page) " 3 \"\" \"rawcache\" \"Library Functions\"\n.SH NAME"
	for (i = 1; i <= items; i++)
		if (what[i] == "call" || what[i] == "inline") {
			s = body[item_first[i]]
			sub(/\(.*/, "", s)
			sub(/.*[ *]/, "", s)
			name[i] = s
			names = names (names == "" ? "" : ", ") s
		}
	print names " \\- " text
	print ".SH SYNOPSIS\n.nf\n.B #include <rawcache/" header ">\n.PP"
	for (i = 1; i <= items; i++)
		if (what[i] == "call")
			for (k = item_first[i]; k <= item_last[i]; k++)
				verbatim(body[k])
		else if (what[i] == "inline") {
			s = body[item_first[i]]
			sub(/^static inline /, "", s)
			verbatim(s ";")
		}
	print ".fi\n.SH DESCRIPTION"
	prose(top, tops)
	for (i = 1; i <= items; i++) {
		for (k = 1; k <= noted[i]; k++)
			comment[k] = note[i, k]
		if (name[i] != "")
			print ".SS " name[i] "()"
		else if (what[i] == "type") {
			s = body[item_first[i]]
			sub(/ *\{.*/, "", s)
			print ".SS " s
		} else
			print ".PP"
		prose(comment, noted[i])
		if (what[i] == "value" || what[i] == "type") {
			print ".PP\n.nf\n.RS"
			for (k = item_first[i]; k <= item_last[i]; k++)
				verbatim(body[k])
			print ".RE\n.fi"
		}
	}
	print ".SH SEE ALSO\n.BR librawcache (3),\n.BR rawcache (1)"
}
