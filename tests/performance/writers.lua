-- Publishes an event, replaces it and deletes it, over and over; one connection a thread.
local document = '{"title": "Load", "description": "Written by the benchmark.", "date": "2027-05-01", "time": "20:00:00"}'
local headers = {["Content-Type"] = "application/json"}
local turn, location = 0, nil

function request()
  turn = turn % 3 + 1
  if turn == 1 or not location then
    turn = 1
    return wrk.format("POST", "/events", headers, document)
  elseif turn == 2 then
    return wrk.format("PUT", location, headers, document)
  end
  return wrk.format("DELETE", location)
end

function response(status, headers)
  if status == 201 then
    location = headers["location"] or headers["Location"]
  end
end
