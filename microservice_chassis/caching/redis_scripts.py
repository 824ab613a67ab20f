"""What is done in Redis as a whole: the begin and the end of a write (Redis manual, "Scripting").

Each takes the keys of stamps and of writers in turn. The writers of a name are in the order of the
times, in ms since 1970, until which their writes can happen. While one is under way, a stamp is a
new token, `!`, and the token before, to which it goes back if nothing has changed. So whatever is
forgotten or expires meanwhile, no entry from before counts.
"""

from __future__ import annotations

# A token; for how many milliseconds the write can happen.
BEGIN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, #KEYS, 2 do
  local died = redis.call('ZREMRANGEBYSCORE', KEYS[i + 1], '-inf', now)
  local stamp = redis.call('GET', KEYS[i]) or ''
  local mark = string.find(stamp, '!', 1, true)
  local before = stamp
  if mark then before = string.sub(stamp, mark + 1) end
  if died > 0 or (mark and redis.call('EXISTS', KEYS[i + 1]) == 0) then before = '' end
  redis.call('ZADD', KEYS[i + 1], now + ARGV[2], ARGV[1])
  local last = redis.call('ZREVRANGE', KEYS[i + 1], 0, 0, 'WITHSCORES')[2]
  redis.call('SET', KEYS[i], ARGV[1] .. '!' .. before, 'PXAT', last)
  redis.call('PEXPIREAT', KEYS[i + 1], last)
end
return 1
"""

# The token that the write began with; for how many milliseconds a stamp is kept; a token for what
# has changed, or an empty one.
END = """
for i = 1, #KEYS, 2 do
  local known = redis.call('ZREM', KEYS[i + 1], ARGV[1]) == 1
  local last = redis.call('ZREVRANGE', KEYS[i + 1], 0, 0, 'WITHSCORES')[2]
  local stamp = redis.call('GET', KEYS[i]) or ''
  local mark = string.find(stamp, '!', 1, true)
  if ARGV[3] ~= '' then
    if last then
      redis.call('SET', KEYS[i], ARGV[3] .. '!', 'PXAT', last)
    else
      redis.call('SET', KEYS[i], ARGV[3], 'PX', ARGV[2])
    end
  elseif mark and not last then
    local before = string.sub(stamp, mark + 1)
    if before == '' or not known then before = string.sub(stamp, 1, mark - 1) end
    redis.call('SET', KEYS[i], before, 'PX', ARGV[2])
  end
end
return 1
"""
