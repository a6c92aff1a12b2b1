"""What Redis does in one step: Lua, so that it happens at one point of time and costs one round trip.

One sorted set holds the tags by the time at which each last moved, in microseconds of the server's clock
and never twice the same. Its member `@floor` is the time before which nothing is trusted. An answer remembers
the floor and the newest time when it was begun (`seen`); it is good while the floor is the same and none of
its tags has moved since. All of it is lost at once or not at all: whoever finds no floor lays a new one, and
every older answer is worth nothing.
"""

_COMMON = """
local moved = KEYS[1]
local function newest()
  return redis.call('ZREVRANGE', moved, 0, 0, 'WITHSCORES')[2]
end
local function clock()
  local time, top = redis.call('TIME'), newest()
  local now = time[1] * 1000000 + time[2]
  if top and tonumber(top) >= now then now = tonumber(top) + 1 end
  return string.format('%.0f', now)
end
local function lay_floor()
  local now = clock()
  redis.call('DEL', moved)
  redis.call('ZADD', moved, now, '@floor')
  return now
end
local function latest_of(tags, from)
  local latest = from
  for _, tag in ipairs(tags) do
    local score = redis.call('ZSCORE', moved, tag)
    if score and tonumber(score) > latest then latest = tonumber(score) end
  end
  return latest
end
local function split(text)
  local parts = {}
  for part in string.gmatch(text, '[^\\n]+') do parts[#parts + 1] = part end
  return parts
end
local floor = redis.call('ZSCORE', moved, '@floor') or lay_floor()
"""

LOOK = (
    _COMMON
    + """
-- KEYS: moved [, slot [, lock]]   ARGV: floor, since, most, lock_ms, key, tags...
local top, changed = newest(), {}
if floor == ARGV[1] and tonumber(top) > tonumber(ARGV[2]) then
  changed = redis.call('ZRANGEBYSCORE', moved, '(' .. ARGV[2], '+inf', 'LIMIT', 0, ARGV[3])
end
if not KEYS[2] then return {floor, top, changed, 'sync'} end
local slot = redis.call('HMGET', KEYS[2], 'key', 'floor', 'seen', 'tags', 'head', 'body')
local latest = tonumber(floor)
if slot[1] == ARGV[5] and slot[2] == floor then
  latest = latest_of(split(slot[4]), latest)
  if latest <= tonumber(slot[3]) then
    return {floor, top, changed, 'hit', slot[4], slot[5], slot[6], redis.call('PTTL', KEYS[2])}
  end
end
if not KEYS[3] then return {floor, top, changed, 'miss'} end
latest = latest_of({unpack(ARGV, 6)}, latest)
local lock = redis.call('GET', KEYS[3])
if lock and tonumber(lock) >= latest then return {floor, top, changed, 'wait'} end
redis.call('SET', KEYS[3], top, 'PX', ARGV[4])
return {floor, top, changed, 'build'}
"""
)
"""What moved since the caller last looked, the answer if it is good, and else whose turn it is to build it.

A lock counts only while what it protects is worth having: once a tag has moved, the next reader takes over.
"""

STORE = (
    _COMMON
    + """
-- KEYS: moved, slot, lock   ARGV: key, floor, seen, ms, tags, head, body
if redis.call('GET', KEYS[3]) == ARGV[3] then redis.call('DEL', KEYS[3]) end
if floor ~= ARGV[2] or ARGV[4] == '0' then return 0 end
if latest_of(split(ARGV[5]), 0) > tonumber(ARGV[3]) then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'key', ARGV[1], 'floor', floor, 'seen', ARGV[3], 'tags', ARGV[5], 'head', ARGV[6],
  'body', ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
"""
)
"""Keep an answer unless one of its tags has moved while it was built; give the turn back in any case."""

MOVE = (
    _COMMON
    + """
-- KEYS: moved   ARGV: forget_after_us, most, tags...
local before, now = newest(), clock()
for index = 3, #ARGV do redis.call('ZADD', moved, now, ARGV[index]) end
if redis.call('ZCARD', moved) > tonumber(ARGV[2]) then
  local old = string.format('(%.0f', tonumber(now) - tonumber(ARGV[1]))
  redis.call('ZREMRANGEBYSCORE', moved, '-inf', old)
  redis.call('ZADD', moved, floor, '@floor')
  if redis.call('ZCARD', moved) > tonumber(ARGV[2]) then now = lay_floor() end
end
return {before, now}
"""
)
"""Tags move now. Of too many, those are forgotten that no answer is older than; of still too many, all."""

FLOOR = _COMMON + "return lay_floor()"
"""Trust nothing that is older than this."""

GREET = (
    _COMMON
    + """
-- KEYS: moved, run   ARGV: run id
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  redis.call('SET', KEYS[2], ARGV[1])
  lay_floor()
end
return 1
"""
)
"""The first thing on every connection: a server that was started anew may have lost its last second."""
