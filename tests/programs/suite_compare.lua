-- SPDX-License-Identifier: MIT
-- For wrk: gets files of $STORE, file1 to file$COUNT, and compares every body.
-- The first four bytes of a body say which file it is.
local bodies, wrong, right, threads = {}, 0, 0, {}
local count, store = tonumber(os.getenv("COUNT")), os.getenv("STORE")
function setup(thread)
	table.insert(threads, thread)
end
function init()
	for i = 1, count do
		local f = assert(io.open(store .. "/file" .. i, "rb"))
		bodies[i] = f:read("*a")
		f:close()
	end
	math.randomseed(os.time())
	n_wrong, n_right = 0, 0
end
function request()
	return wrk.format("GET", "/file" .. math.random(count))
end
function response(status, headers, body)
	if status == 200 and bodies[tonumber(body:sub(1, 4))] == body then
		n_right = n_right + 1
	else
		n_wrong = n_wrong + 1
	end
end
function done(summary)
	for _, thread in ipairs(threads) do
		right = right + thread:get("n_right")
		wrong = wrong + thread:get("n_wrong")
	end
	local e = summary.errors
	print(string.format("right %d wrong %d errors %d", right, wrong, e.connect + e.read + e.write))
end
