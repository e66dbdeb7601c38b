// SPDX-License-Identifier: MIT
// random.bin in pieces and as a whole, and the sum of numbers
const fs = require("fs"), crypto = require("crypto"), d = process.argv[2];
const hex = b => crypto.createHash("sha256").update(b).digest("hex");
const h = crypto.createHash("sha256");
const total = fs.readFileSync(d + "/numbers", "utf8").trim().split("\n").reduce((a, b) => a + +b, 0);
fs.createReadStream(d + "/random.bin", { highWaterMark: 10007 }).on("data", b => h.update(b))
	.on("end", () => console.log(hex(fs.readFileSync(d + "/random.bin")), h.digest("hex"), total));
