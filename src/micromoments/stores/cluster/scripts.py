"""What Redis does in one step: programs of one shard, whose names all begin with the key that they get.

In a shard ``{project/n}:`` lie: ``m`` (a hash: positions ``p<partition>``, last commits ``c<partition>``), ``p:<id>``
(a person: eight bytes of version, then the value), ``l:<id>`` (a link, likewise), ``w`` (timers by instant), ``f`` (a
stream of live facts, ``n`` the highest version of them), ``h`` (outcomes on their way to the log), ``o*`` (the outbox),
``it`` and ``ii`` (items), ``d:<id>`` (decisions), ``i:<id>`` (whose they are), ``q:<id>`` (what isn't folded yet),
``k:<hash>`` (keys).
Numbers above 2**53 never come here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from micromoments.stores.cluster.database import Script

ANY, KEEP = b"*", b"="
"""A version that isn't looked at, and a value that stays as it is; none at all is empty, as is a value that goes."""

_TAKE = """
local at = 1
local function word()
  at = at + 1
  return ARGV[at - 1]
end
local function rows(width)
  local found = {}
  for n = 1, tonumber(word()) do
    local row = {}
    for k = 1, width do row[k] = word() end
    found[n] = row
  end
  return found
end
"""
"""The arguments one after the other: words, and lists that begin with their length."""

_PUT = """
local function put(p, e, new)
  -- e: id, status, lane, due, person, body
  local id, lane = e[1], e[3]
  local old = redis.call('HGET', p..'ol', id)
  if new and old then return 0 end
  if not new and not old then return 0 end
  if old then redis.call('ZREM', p..'od:'..old, id) end
  redis.call('HSET', p..'o', id, e[6])
  redis.call('HSET', p..'ol', id, lane)
  redis.call('ZADD', p..'oi', 0, id)
  redis.call('ZADD', p..'op:'..e[5], e[4], id)
  if tonumber(e[2]) < 2 then
    redis.call('ZADD', p..'od:'..lane, e[4], id)
    redis.call('ZREM', p..'oz', id)
  else
    redis.call('ZADD', p..'oz', e[4], id)
  end
  redis.call('DEL', p..'oe:'..id)
  return 1
end
"""

COMMIT = Script(
    _TAKE
    + _PUT
    + """
local p = KEYS[1]
local commit, part, expected, upto, ttl, newest = word(), word(), word(), word(), tonumber(word()), word()
if redis.call('HGET', p..'m', 'c'..part) == commit then return {} end
if expected ~= '' then
  local have = redis.call('HGET', p..'m', 'p'..part) or '0'
  if have ~= expected then return {'position', have} end
end
local lost = {'changed'}
local function versions(name, some)
  for _, e in ipairs(some) do
    if e[2] ~= '*' and redis.call('GETRANGE', p..name..e[1], 0, 7) ~= e[2] then lost[#lost + 1] = e[1] end
  end
end
local people, links = rows(3), rows(3)
versions('p:', people)
versions('l:', links)
if #lost > 1 then return lost end
for _, e in ipairs(people) do
  if e[3] == '=' then
    -- only its version counts
  elseif e[3] == '' then
    redis.call('DEL', p..'p:'..e[1])
    redis.call('ZREM', p..'w', e[1])
  elseif ttl > 0 then
    redis.call('SET', p..'p:'..e[1], e[3], 'PX', ttl)
  else
    redis.call('SET', p..'p:'..e[1], e[3])
  end
end
for _, e in ipairs(links) do
  if e[3] == '' then redis.call('DEL', p..'l:'..e[1]) elseif e[3] ~= '=' then redis.call('SET', p..'l:'..e[1], e[3]) end
end
for _, e in ipairs(rows(2)) do
  if tonumber(e[2]) <= 0 then
    redis.call('ZREM', p..'w', e[1])
  elseif redis.call('EXISTS', p..'p:'..e[1]) == 1 then
    redis.call('ZADD', p..'w', e[2], e[1])
  end
end
for _, e in ipairs(rows(5)) do
  redis.call('XADD', p..'f', '*', 't', e[1], 'n', e[2], 'a', e[3], 'z', e[4], 'b', e[5])
end
for _, e in ipairs(rows(6)) do put(p, e, true) end
for _, e in ipairs(rows(2)) do
  if e[2] == '' then
    redis.call('HDEL', p..'it', e[1])
    redis.call('ZREM', p..'ii', e[1])
  else
    redis.call('HSET', p..'it', e[1], e[2])
    redis.call('ZADD', p..'ii', 0, e[1])
  end
end
for _, e in ipairs(rows(2)) do redis.call('HSET', p..'h', e[1], e[2]) end
if tonumber(newest) > tonumber(redis.call('GET', p..'n') or '0') then redis.call('SET', p..'n', newest) end
redis.call('HSET', p..'m', 'c'..part, commit)
if upto ~= '' then redis.call('HSET', p..'m', 'p'..part, upto) end
return {}
"""
)
"""Write a shard's part of a commit, or nothing of it: says whose version is another, or that the position is."""

SETTLE = Script(
    _TAKE
    + _PUT
    + """
local p, here = KEYS[1], {}
for _, e in ipairs(rows(6)) do
  if put(p, e, false) == 1 then here[e[1]] = true end
end
for _, e in ipairs(rows(3)) do
  if here[e[1]] then redis.call('XADD', p..'f', '*', 't', 'deliveries', 'n', 1, 'a', e[2], 'z', e[2], 'b', e[3]) end
end
return 0
"""
)
"""Write deliveries back, with their facts, where they still are."""

FORGET_DELIVERIES = Script(
    """
local p, gone = KEYS[1], 0
for n = 1, #ARGV do
  local id = ARGV[n]
  local lane, body = redis.call('HGET', p..'ol', id), redis.call('HEXISTS', p..'o', id)
  if lane then redis.call('ZREM', p..'od:'..lane, id) end
  gone = gone + body
  redis.call('HDEL', p..'o', id)
  redis.call('HDEL', p..'ol', id)
  redis.call('ZREM', p..'oi', id)
  redis.call('ZREM', p..'oz', id)
end
return gone
"""
)
"""Forget deliveries by their ids."""

RESERVE = Script(
    """
local p, budget, units, limit, id, till = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local known = redis.call('HGET', p..'r:'..id, 'state')
if known and known ~= 'returned' then return known == 'refused' and 0 or 1 end
local used = redis.call('HMGET', p..'b:'..budget, 'spent', 'reserved')
local taken, held = tonumber(used[1] or '0') + tonumber(used[2] or '0'), 0
local old = redis.call('HMGET', p..'r:'..ARGV[6], 'budget', 'units', 'state')
if old[1] == budget and old[3] == 'open' then held, limit = tonumber(old[2]), math.max(limit, taken) end
local granted = taken - held + units <= limit
redis.call('HSET', p..'r:'..id, 'budget', budget, 'units', ARGV[2], 'state', granted and 'open' or 'refused')
redis.call('ZADD', p..'ru', till, id)
if granted then
  redis.call('HINCRBY', p..'b:'..budget, 'reserved', units - held)
else
  redis.call('ZINCRBY', p..'ru', 86400000, id)
end
if granted and old[1] == budget and old[3] == 'open' then
  redis.call('HSET', p..'r:'..ARGV[6], 'state', 'returned')
  redis.call('ZINCRBY', p..'ru', 86400000, ARGV[6])
end
return granted and 1 or 0
"""
)
"""Take units of a budget, instead of an open reservation where one is named; the same id gives its first answer."""

SETTLE_BUDGET = Script(
    """
local p, id, spend = KEYS[1], ARGV[1], ARGV[2] == '1'
local r = redis.call('HMGET', p..'r:'..id, 'budget', 'units', 'state')
if r[3] ~= 'open' then return 0 end
redis.call('HINCRBY', p..'b:'..r[1], 'reserved', -tonumber(r[2]))
if spend then redis.call('HINCRBY', p..'b:'..r[1], 'spent', r[2]) end
redis.call('HSET', p..'r:'..id, 'state', spend and 'spent' or 'returned')
redis.call('ZINCRBY', p..'ru', 86400000, id)
return 1
"""
)
"""Spend a reservation or give it back, once."""

EXPIRE_BUDGETS = Script(
    """
local p, now, gone = KEYS[1], ARGV[1], 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', p..'ru', '-inf', now, 'LIMIT', 0, 5000)) do
  local r = redis.call('HMGET', p..'r:'..id, 'budget', 'units', 'state')
  if r[3] == 'open' then
    redis.call('HINCRBY', p..'b:'..r[1], 'reserved', -tonumber(r[2]))
    redis.call('HSET', p..'r:'..id, 'state', 'returned')
    redis.call('ZINCRBY', p..'ru', 86400000, id)
    gone = gone + 1
  else
    redis.call('DEL', p..'r:'..id)
    redis.call('ZREM', p..'ru', id)
  end
end
return gone
"""
)
"""Give back what was reserved until an instant, and forget what was settled. ``ru`` holds open reservations by when
they end, the others by a day after that: so what is looked at once never stands before those that are due next.
"""

FRESH = Script(
    """
local p, answers = KEYS[1], {}
for n = 1, #ARGV, 4 do
  local found = 0
  for k = 1, 3 do found = found + redis.call('SISMEMBER', p..'s:'..ARGV[n + k], ARGV[n]) end
  if found == 0 then
    redis.call('SADD', p..'s:'..ARGV[n + 1], ARGV[n])
    redis.call('EXPIRE', p..'s:'..ARGV[n + 1], 133200)
  end
  answers[#answers + 1] = found == 0 and 1 or 0
end
return answers
"""
)
"""Note messages by (hash, the set of now, the two before): 1 for one that is new."""

KNOWN = Script(
    """
local p, answers = KEYS[1], {}
for n = 1, #ARGV, 4 do
  local found = 0
  for k = 1, 3 do found = found + redis.call('SISMEMBER', p..'s:'..ARGV[n + k], ARGV[n]) end
  answers[#answers + 1] = found
end
return answers
"""
)
"""Whether messages were noted: as ``FRESH``, and nothing is noted."""

HOLD = Script(
    """
local p, name, who, ttl = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local holder = redis.call('HGET', p..'x:'..name, 'who')
if holder and holder ~= who then return 0 end
if not holder then redis.call('HSET', p..'x:'..name, 'who', who, 'term', redis.call('INCR', p..'xt:'..name)) end
redis.call('PEXPIRE', p..'x:'..name, ttl)
return tonumber(redis.call('HGET', p..'x:'..name, 'term'))
"""
)
"""Take a lease or renew it: its term, which grows with every new holder; 0 where another holds it."""

RELEASE = Script(
    """
local p, name, who = KEYS[1], ARGV[1], ARGV[2]
if redis.call('HGET', p..'x:'..name, 'who') == who then redis.call('DEL', p..'x:'..name) return 1 end
return 0
"""
)
"""Let go of a lease."""

GIVE = Script(
    """
if redis.call('GET', ARGV[1]) == ARGV[2] then redis.call('DEL', ARGV[1]) end
return 0
"""
)
"""Let go of a turn, where it is still one's own."""

TEACH = Script(
    _TAKE
    + """
local p, term = KEYS[1], tonumber(word())
if term > 0 and term < tonumber(redis.call('GET', p..'xt:learn') or '0') then return -1 end
for _, e in ipairs(rows(1)) do redis.call('HDEL', p..'pol', e[1]) end
for _, e in ipairs(rows(2)) do redis.call('HSET', p..'pol', e[1], e[2]) end
return redis.call('INCR', p..'polr')
"""
)
"""Write policies and raise their revision; -1, and nothing written, for a learner whose term has passed."""


NAMED = Script(
    _TAKE
    + """
local p = KEYS[1]
for _, e in ipairs(rows(1)) do redis.call('HDEL', p..'sealed', e[1]) end
for _, e in ipairs(rows(2)) do redis.call('HSET', p..'sealed', e[1], e[2]) end
for _, e in ipairs(rows(2)) do redis.call('HSET', p..'upto', e[1], e[2]) end
return 0
"""
)
"""Take files out of the manifest, name others, and say up to where streams are sealed, in one step."""


def flat(rows: Iterable[Sequence[object]]) -> list[object]:
    """A list as the programs read it: its length, then the fields of one row after the other."""
    words: list[object] = [0]
    for row in rows:
        words[0] += 1  # type: ignore[operator] # the length, while it grows
        words += row
    return words
