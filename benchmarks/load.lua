-- What wrk sends. Arguments: kind, milliseconds to send for, requests at most (0: any number), milliseconds between two
-- requests of a connection, a seed, then those of the kind:
--   get FILE                            one of the requests in the file: a path, a tab, a token (which may be empty)
--   login FILE                          one of the bodies in the file
--   place FILE LINES PRODUCTS HOT       an order for one of the buyers in the file: a token, or a token, a tab, and the
--                                       coupon of each of their orders; HOT: the product in everybody's
--   sale FILE PRODUCT                   one unit of the product for each of the tokens in the file, in turn
-- Requests that change something are counted by what came of them, and all of them are answered before the end.

local ffi = require("ffi")
ffi.cdef([[
  typedef struct { long seconds; long microseconds; } shop_time;
  int gettimeofday(shop_time *time, void *zone);
  int getpid(void);
  int kill(int process, int signal);
]])

local SIGINT = 2 -- ends wrk at once, with its report

local time = ffi.new("shop_time")
local function now()
  ffi.C.gettimeofday(time, nil)
  return tonumber(time.seconds) * 1000 + tonumber(time.microseconds) / 1000
end

local FOREVER = 3600000
local threads = {}
local make
local window, limit, pace, started_at
started, answered, statuses, refused, milliseconds = 0, 0, {}, 0, 0

function setup(thread)
  table.insert(threads, thread)
end

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do
    table.insert(lines, line)
  end
  return lines
end

local function product(number)
  return string.format("01900000-0000-7000-8000-%012x", number)
end

local function post(path, token, headers, body)
  return "POST " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nAuthorization: Bearer " .. token
    .. "\r\nContent-Type: application/json\r\n" .. headers .. "Content-Length: " .. #body .. "\r\n\r\n" .. body
end

local makers = {}

function makers.get(file)
  local requests = {}
  for _, line in ipairs(lines_of(file)) do
    local path, token = line:match("([^\t]*)\t?(.*)")
    local bearer = token ~= "" and "\r\nAuthorization: Bearer " .. token or ""
    table.insert(requests, "GET " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. bearer .. "\r\n\r\n")
  end
  return function()
    return requests[math.random(#requests)]
  end
end

function makers.login(file)
  local bodies = lines_of(file)
  return function()
    return post("/api/v1/auth/token", "", "", bodies[math.random(#bodies)])
  end
end

local function order(buyer, key, body)
  local token, coupon = buyer:match("([^\t]*)\t?(.*)")
  local coupons = coupon ~= "" and ',"coupons":["' .. coupon .. '"]' or ""
  return post("/api/v1/orders", token, "Idempotency-Key: " .. key .. "\r\n", '{"lines":[' .. body .. "]" .. coupons .. "}")
end

function makers.place(file, lines, products, hot)
  local tokens, run = lines_of(file), string.format("%d-%d", now() * 1000, math.random(1000000))
  local number, share = 0, math.floor(products / lines)
  return function()
    number = number + 1
    local requested = {}
    for line = 1, lines do
      local chosen = math.random((line - 1) * share + 1, line * share)
      if line == 1 and hot > 0 then
        chosen = hot
      end
      requested[line] = '{"product_id":"' .. product(chosen) .. '","quantity":1}'
    end
    return order(tokens[math.random(#tokens)], run .. "-" .. number, table.concat(requested, ","))
  end
end

function makers.sale(file, sold)
  local tokens, run = lines_of(file), string.format("%d", now() * 1000)
  local number = -1 -- wrk asks for one request that it does not send
  return function()
    number = number + 1
    local body = '{"product_id":"' .. product(sold) .. '","quantity":1}'
    return order(tokens[math.max(1, number)], run .. "-" .. number, body)
  end
end

local function is_over()
  return (limit > 0 and started >= limit) or now() - started_at > window
end

local function counted()
  function delay()
    started_at = started_at or now()
    if is_over() then
      return FOREVER
    end
    started = started + 1
    return pace
  end

  function response(status, _, body)
    answered = answered + 1
    local name = tostring(status)
    statuses[name] = (statuses[name] or 0) + 1
    if status == 409 and body:find("insufficient_stock", 1, true) then
      refused = refused + 1
    end
    if answered >= started and is_over() then
      milliseconds = now() - started_at
      ffi.C.kill(ffi.C.getpid(), SIGINT)
    end
  end
end

function init(arguments)
  window, limit, pace = tonumber(arguments[2]), tonumber(arguments[3]), tonumber(arguments[4])
  math.randomseed(tonumber(arguments[5]))
  local numbers = {}
  for place = 7, #arguments do
    table.insert(numbers, tonumber(arguments[place]))
  end
  make = makers[arguments[1]](arguments[6], unpack(numbers))
  if arguments[1] ~= "get" or pace > 0 then
    counted()
  end
end

function request()
  return make()
end

function done(summary, latency)
  local first = threads[1]
  local names = {}
  for status, count in pairs(first:get("statuses")) do
    table.insert(names, string.format('"%s": %d', status, count))
  end
  local errors = summary.errors
  print(string.format(
    'RESULT {"requests": %d, "microseconds": %d, "bad": %d, "broken": %d, "p50_us": %d, "p99_us": %d, '
      .. '"started": %d, "answered": %d, "refused": %d, "milliseconds": %.3f, "statuses": {%s}}',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), first:get("started"), first:get("answered"), first:get("refused"),
    first:get("milliseconds"), table.concat(names, ", ")))
end
