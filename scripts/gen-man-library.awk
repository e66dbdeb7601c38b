# SPDX-License-Identifier: MIT
# A header of the library as a manual page: see gen-man-library. Variables: page, header, text; map: the file of the
# symbols' versions; after: what follows; examples: the directory.

function escape(s)
{
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	if (s ~ /^[.']/)
		s = "\\&" s
	return s
}

# The lines of a comment as paragraphs; what is indented by a tab stays as it is; parameters and errors become lists.
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
		if (match(s, /^@[a-z_, ]+: */)) { # parameters, then what the function answers
			print ".TP\n.I " escape(substr(s, 2, RLENGTH - 1))
			s = substr(s, RLENGTH + 1)
		} else if (s ~ /^(Returns|Errors|Signals)[ :]/) {
			print ".PP"
			listed = 0
		}
		if (s ~ /^ - /)
			print ".IP \\(bu 2"
		sub(/^ +(- )?/, "", s)
		# "Errors: -E... what; -E... what" is read line by line
		if (match(s, /Errors[^:]*: */)) {
			if (RSTART > 1)
				print escape(substr(s, 1, RSTART - 1))
			print escape(substr(s, RSTART, RLENGTH))
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

# A function of a file of examples/.
function example(file, name,    s, inside, found)
{
	print ".PP\n.EX"
	while ((getline s <(examples "/" file)) > 0) {
		if (s ~ ("^[a-z].*[ *]" name "\\(") && s !~ /;$/)
			found = inside = 1
		if (inside)
			verbatim(s)
		if (s == "}")
			inside = 0
	}
	close(examples "/" file)
	print ".EE"
	if (!found)
		exit 1
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
	print ".SH VERSIONS"
	while ((getline s <map) > 0)
		if (s ~ /^LIBRAWCACHE/) {
			version = s
			sub(/ .*/, "", version)
			sub(/.*_/, "", version)
		} else {
			gsub(/[\t;]/, "", s)
			since[s] = version
		}
	for (i = 1; i <= items; i++)
		if (name[i] != "" && what[i] == "call") {
			if (!since[name[i]]) {
				print header ": " name[i] "() is not in " map >"/dev/stderr"
				exit 1
			}
			at[since[name[i]]] = at[since[name[i]]] (at[since[name[i]]] == "" ? "" : ", ") name[i] "()"
		}
	for (version in at)
		print ".TP\nSince " version ".0\n" at[version]
	print ".SH EXIT STATUS\nThe library ends no program."
	print ".SH FILES\n.TP\n.I rawcache/" header "\nThe header, which says the same."
	print ".TP\n.I /dev/shm/rawcache\\-*\nRuntime segments of images in use, unless options name another directory."
	while ((getline s <after) > 0)
		if (s ~ /^@example /) {
			split(s, word, " ")
			example(word[2], word[3])
		} else
			print s
	print ".SH SEE ALSO\n.BR librawcache (3),\n.BR rawcache (1)"
}
