-- A quarter PATCH of an event's title, three eighths each GET of the list of 100 and of one event,
-- in a random order; one connection a thread. The paths of the events are the arguments.
local paths = {}
local headers = {["Content-Type"] = "application/json"}
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("seed", threads)
end

function init(arguments)
  paths = arguments
  math.randomseed(seed)
end

function request()
  local dice = math.random(8)
  if dice <= 3 then
    return wrk.format("GET", "/events?limit=100")
  end
  local path = paths[math.random(#paths)]
  if dice <= 6 then
    return wrk.format("GET", path)
  end
  return wrk.format("PATCH", path, headers, '{"title": "Title ' .. math.random(1000000) .. '"}')
end
