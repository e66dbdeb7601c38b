// SPDX-License-Identifier: MIT
// Reads N blocks of a file at places, and then N more in order: warm_calls.js FILE N
"use strict";
const fs = require("fs");
const [file, n] = [process.argv[2], Number(process.argv[3])];
const fd = fs.openSync(file, "r"), block = Buffer.alloc(4096);
let sum = 0;
for (let i = 0; i < n; i++) {
	sum += fs.readSync(fd, block, 0, block.length, (i * 7 % 1024) * block.length);
	sum += block[i % block.length];
}
for (let i = 0; i < n; i++) {
	sum += fs.readSync(fd, block, 0, block.length, null);
	sum += block[i % block.length];
}
console.log(sum);
