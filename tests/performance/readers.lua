-- Reads the list, and then each of its first five events, over and over; one connection a thread.
local ids, turn = {}, 0

function request()
  turn = turn % 6 + 1
  local id = ids[turn - 1]
  return wrk.format("GET", id and "/events/" .. id or "/events")
end

function response(status, headers, body)
  if turn == 1 and body then
    ids = {}
    for id in body:gmatch('"id":"(%x+)"') do
      ids[#ids + 1] = id
      if #ids == 5 then break end
    end
  end
end
