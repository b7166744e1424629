"""The acts of the Redis store, one Lua script each: Redis runs a script whole, or not at all.

Lua counts in doubles, which hold whole numbers up to 2^53: 9,007 USD in picodollars. So scripts take and give amounts
as text, add them in two limbs of twelve digits, and let Redis itself (`HINCRBY`, 64 bits) do what is stored.

Keys begin with a prefix, the only key that scripts are given: it has one hash tag, so all keys live in one slot.

    <prefix>account:<name>    hash: s<bucket> settled, o<bucket> pending, held
    <prefix>ticket:<ticket>   JSON {claims, lost, day, at}; a claim is [account, bucket, amount, held, ttl]
    <prefix>expires           sorted set of tickets
    <prefix>ledger:<day>      sorted set of entries by start; <prefix>days: sorted set of the days there are
"""

from __future__ import annotations

_COMMON = """
local prefix = KEYS[1]

local function limbs(text)
  if #text <= 12 then return 0, tonumber(text) end
  return tonumber(string.sub(text, 1, -13)), tonumber(string.sub(text, -12))
end

local function add(sum, text)
  if string.sub(text, 1, 1) == '-' then
    local high, low = limbs(string.sub(text, 2))
    sum[1], sum[2] = sum[1] - high, sum[2] - low
  else
    local high, low = limbs(text)
    sum[1], sum[2] = sum[1] + high, sum[2] + low
  end
  while sum[2] >= 1e12 do sum[1], sum[2] = sum[1] + 1, sum[2] - 1e12 end
  while sum[2] < 0 do sum[1], sum[2] = sum[1] - 1, sum[2] + 1e12 end
end

local function minus(text)
  return text == '0' and text or '-' .. text
end

local function change(key, field, amount, ttl)
  if redis.call('HINCRBY', key, field, amount) == 0 then redis.call('HDEL', key, field) end
  if redis.call('TTL', key) < ttl then redis.call('EXPIRE', key, ttl) end
end

local function append(day, at, entry, ttl)
  redis.call('ZADD', prefix .. 'ledger:' .. day, at, entry)
  redis.call('EXPIRE', prefix .. 'ledger:' .. day, ttl)
  redis.call('ZADD', prefix .. 'days', day, day)
end

local function take(ticket, amounts)
  local text = redis.call('GET', prefix .. 'ticket:' .. ticket)
  redis.call('ZREM', prefix .. 'expires', ticket)
  if not text then return nil end
  redis.call('DEL', prefix .. 'ticket:' .. ticket)
  local reservation = cjson.decode(text)
  for _, claim in ipairs(reservation.claims) do
    local account, bucket, amount, held, ttl = unpack(claim)
    local key = prefix .. 'account:' .. account
    if held then
      change(key, 'held', minus(amount), ttl)
    else
      change(key, 'o' .. bucket, minus(amount), ttl)
      change(key, 's' .. bucket, amounts[account] or amount, ttl)
    end
  end
  return reservation
end

local function sweep(now, ttl)
  local lost = redis.call('ZRANGEBYSCORE', prefix .. 'expires', '-inf', now)
  for _, ticket in ipairs(lost) do
    local reservation = take(ticket, {})
    if reservation then append(reservation.day, reservation.at, reservation.lost, ttl) end
  end
  return #lost
end
"""

RESERVE = (
    _COMMON
    + """
local now, expires, ticket, ttl, ledger_ttl, text = unpack(ARGV)
if redis.call('EXISTS', prefix .. 'ticket:' .. ticket) == 1 then return {} end
sweep(now, ledger_ttl)
local reservation = cjson.decode(text)
local blocked = {}
for place, claim in ipairs(reservation.claims) do
  local account, _, amount, _, _, oldest, capacity = unpack(claim)
  local charges = redis.call('HGETALL', prefix .. 'account:' .. account)
  local sum = {0, 0}
  for i = 1, #charges, 2 do
    local field = charges[i]
    if field == 'held' or tonumber(string.sub(field, 2)) >= oldest then add(sum, charges[i + 1])
    elseif string.sub(field, 1, 1) == 's' then redis.call('HDEL', prefix .. 'account:' .. account, field) end
  end
  add(sum, amount)
  add(sum, '-' .. capacity)
  if sum[1] > 0 or (sum[1] == 0 and sum[2] > 0) then
    table.insert(blocked, place)
    table.insert(blocked, charges)
  end
end
if #blocked > 0 then return blocked end
for _, claim in ipairs(reservation.claims) do
  local account, bucket, amount, held, account_ttl = unpack(claim)
  change(prefix .. 'account:' .. account, held and 'held' or 'o' .. bucket, amount, account_ttl)
end
redis.call('SET', prefix .. 'ticket:' .. ticket, text, 'EX', ttl)
redis.call('ZADD', prefix .. 'expires', expires, ticket)
return {}
"""
)

SETTLE = (
    _COMMON
    + """
local ticket, amounts, entry, day, at, ttl = unpack(ARGV)
if take(ticket, cjson.decode(amounts)) and entry ~= '' then append(day, at, entry, ttl) end
"""
)

SWEEP = _COMMON + "return sweep(ARGV[1], ARGV[2])"

LEVELS = (
    _COMMON
    + """
sweep(ARGV[1], ARGV[2])
local charges = {}
for i = 3, #ARGV do charges[i - 2] = redis.call('HGETALL', prefix .. 'account:' .. ARGV[i]) end
return charges
"""
)

RECORD = _COMMON + "append(ARGV[2], ARGV[3], ARGV[1], ARGV[4])"

SWAP = """
local found = redis.call('HGET', KEYS[1], ARGV[1])
local version = found and string.match(found, '^%d+') or '0'
if version ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d|', tonumber(version) + 1) .. ARGV[3])
return 1
"""

ONCE = """
local found = redis.call('GET', KEYS[1])
if found then
  local until_, asker = string.match(found, '^(%S+) (%S+)$')
  if asker == ARGV[4] then return 1 end
  if tonumber(until_) > tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[4], 'EX', ARGV[3])
return 1
"""
