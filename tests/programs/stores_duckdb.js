// SPDX-License-Identifier: MIT
// What stores.py does, for DuckDB, which one process may have open for writing, or several for reading:
// stores_duckdb.js DATABASE SECONDS COMMITS [ROLE]. Each transaction opens the database anew.
"use strict";
const { DuckDBInstance } = require("@duckdb/node-api");
const { spawn } = require("child_process");
const fs = require("fs");

const ROWS = 2000, AMOUNT = 1000;
const [path, seconds, commits, role] = process.argv.slice(2);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function open(mode) {
	// or three readers have it between them all the time
	await sleep(mode === "READ_ONLY" ? 50 : 0);
	for (let i = 0; i < 3000; i++) {
		try {
			return await DuckDBInstance.create(path, { access_mode: mode });
		} catch (e) {
			if (!/lock/.test(e.message))
				throw e;
			await sleep(10);
		}
	}
	throw new Error("the database stays locked");
}

async function transaction(mode, body) {
	const database = await open(mode), connection = await database.connect();
	const rows = async (sql) => (await connection.runAndReadAll(sql)).getRows();
	const result = await body(rows);
	connection.closeSync();
	database.closeSync();
	return result;
}

const make = () => transaction("READ_WRITE", async (rows) => {
	await rows("create table head (version bigint)");
	await rows("insert into head values (0)");
	await rows("create table body (id integer primary key, version bigint, amount bigint, bytes varchar)");
	await rows(`insert into body select i, 0, ${AMOUNT}, repeat(uuid()::varchar, 20) from range(${ROWS}) t(i)`);
});

const write = () => transaction("READ_WRITE", async (rows) => {
	const version = Number((await rows("select version from head"))[0][0]) + 1;
	const from = Math.floor(Math.random() * ROWS);
	await rows("begin");
	await rows(`update head set version = ${version}`);
	for (const [sign, row] of [[1, from], [-1, (from + 7) % ROWS]])
		await rows(`update body set version = ${version}, amount = amount + ${sign},
			bytes = repeat(uuid()::varchar, 20) where id = ${row}`);
	await rows("commit");
	return version;
});

const read = () => transaction("READ_ONLY", async (rows) => {
	const [total, newest, bytes] =
		(await rows("select sum(amount), max(version), sum(length(bytes)) from body"))[0];
	return [Number((await rows("select version from head"))[0][0]), Number(newest), Number(total), Number(bytes)];
});

const known = () => Number(fs.readFileSync(commits).readBigUInt64LE());

// in its place: others read the file, which must not be empty meanwhile
function note(bytes) {
	const fd = fs.openSync(commits, "r+");
	fs.writeSync(fd, bytes, 0, bytes.length, 0);
	fs.closeSync(fd);
}

async function work() {
	const end = Date.now() + seconds * 1000;
	while (Date.now() < end) {
		if (role === "write") {
			const b = Buffer.alloc(8), version = await write();
			b.writeBigUInt64LE(BigInt(version));
			if (version > known())
				note(b);
			await sleep([0, 10, 100, 200][Math.floor(Math.random() * 4)]);
			continue;
		}
		const least = known(), [head, newest, total, bytes] = await read();
		if (head < least)
			throw new Error(`a reader began after commit ${least} and saw ${head}`);
		if (head !== newest || total !== ROWS * AMOUNT || bytes !== ROWS * 720)
			throw new Error(`a mixture: ${head}, ${newest}, sum ${total}, ${bytes} bytes`);
	}
}

async function main() {
	if (role)
		return work();
	fs.writeFileSync(commits, Buffer.alloc(8));
	await make();
	const ours = ([name]) => /^(LD_PRELOAD$|RAWCACHE)/.test(name);
	const outside = Object.fromEntries(Object.entries(process.env).filter((entry) => !ours(entry)));
	const start = ([job, env]) => new Promise((done) =>
		spawn(process.execPath, [__filename, path, seconds, commits, job], { stdio: "inherit", env })
			.on("exit", done));
	const jobs = [["write"], ["write", outside], ["read"], ["read"], ["read"]].map(start);
	const failed = (await Promise.all(jobs)).filter((status) => status !== 0).length;
	await transaction("READ_WRITE", (rows) => rows("checkpoint"));
	console.log(`duckdb: ${(await read())[0]} commits, ${failed} failed`);
	process.exitCode = failed;
}

main().catch((e) => {
	console.error(e.message);
	process.exitCode = 1;
});
