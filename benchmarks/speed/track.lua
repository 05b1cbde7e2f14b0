-- One Segment track event a request, each with a message id and a time of its own, 600 bytes; the write key by Basic auth.
local thread_count = 0
function setup(thread)
  thread:set("id", thread_count)
  thread_count = thread_count + 1
end

function init(args)
  counter = 0
  began = os.time()
  prefix = tostring(id) .. "-" .. tostring(os.time()) .. "-"
  pad = string.rep("x", 240)
end

function request()
  counter = counter + 1
  local at = os.date("!%Y-%m-%dT%H:%M:%S", began + math.floor(counter / 10000)) .. string.format(".%03dZ", counter / 10 % 1000)
  local body = '{"type":"track","messageId":"w-' .. prefix .. counter .. '","anonymousId":"a-' .. (counter % 20000)
    .. '","event":"Product Viewed","properties":{"product_id":"p' .. (counter % 1000)
    .. '","category":"shoes","price":89},"context":{"page":{"path":"/p","title":"' .. pad
    .. '"},"locale":"en-GB","library":{"name":"wrk","version":"4"}},"timestamp":"' .. at .. '"}'
  return wrk.format("POST", "/v1/track", wrk.headers, body)
end

function done(summary, latency, requests)
  io.stderr:write(string.format('{"requests":%d,"seconds":%.6f,"errors":%d,"p50":%.3f,"p99":%.3f}\n', summary.requests,
    summary.duration / 1e6, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
