/* SPDX-License-Identifier: MIT */
/*
 * The kinds of request that are counted, slowed and failed one by one.
 *
 *	OP(identifier, name in stats and commands, which latency slows it)
 *
 * CREATE counts as open, READDIRPLUS as readdir; whatever is not listed is
 * "other". The latency is one of enum pace_kind.
 */
OP(LOOKUP, "lookup", PACE_META)
OP(GETATTR, "getattr", PACE_META)
OP(OPEN, "open", PACE_META)
OP(READ, "read", PACE_READ)
OP(READDIR, "readdir", PACE_META)
OP(WRITE, "write", PACE_NONE)
OP(RELEASE, "release", PACE_NONE)
OP(OTHER, "other", PACE_NONE)
