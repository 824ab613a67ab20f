-- The fixed cycle: GET of the list, eight GETs by id, POST, PUT, DELETE, in this order, again and
-- again; one connection a thread. The paths of the events are the arguments.
local paths = {}
local headers = {["Content-Type"] = "application/json"}
local document = '{"title": "Load", "description": "Written by the benchmark.", "date": "2027-05-01", "time": "20:00:00"}'
local turn, location = 0, nil

function init(arguments)
  paths = arguments
end

function request()
  turn = turn % 12 + 1
  if turn == 1 then
    return wrk.format("GET", "/events")
  elseif turn <= 9 then
    return wrk.format("GET", paths[turn % #paths + 1])
  elseif turn == 10 or not location then
    turn = 10
    return wrk.format("POST", "/events", headers, document)
  elseif turn == 11 then
    return wrk.format("PUT", location, headers, document)
  end
  local path = location
  location = nil
  return wrk.format("DELETE", path)
end

function response(status, headers)
  if status == 201 then
    location = headers["location"] or headers["Location"]
  end
end
