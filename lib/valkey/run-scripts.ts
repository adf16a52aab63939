/**
 * What a server has of a bulk run, and the scripts that change it, each in one step.
 *
 * | key | |
 * |---|---|
 * | state | hash: `id`; `generation`, new with each begin; `records`, how many of those that wait count; `token` of the last checkpoint |
 * | waiting | list: responses in the order in which they came |
 * | lists | editions of the lists that were committed, JSON |
 *
 * Whoever begins a run again takes it over, from its last checkpoint: no one can tell a host that has died from a slow one. The generation keeps
 * the earlier one from everything that it still does, so what waits is always of one run. A server may drop any key at any time: the list has to be
 * as long as what was put into it.
 */

/**
 * KEYS: state, waiting, lists. ARGV: id, generation, 1 to discard a run of another id. Returns the id of another run that is in the way; else lists,
 * records and token, where there are any.
 */
export const BEGIN_SCRIPT = `
local id, token, records = unpack(redis.call('HMGET', KEYS[1], 'id', 'token', 'records'))
if id and id ~= ARGV[1] and ARGV[3] ~= '1' then return id end
if id ~= ARGV[1] or redis.call('LLEN', KEYS[2]) < tonumber(records) then token, records = false, '0' end
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'generation', ARGV[2], 'records', records)
if not token then redis.call('HDEL', KEYS[1], 'token') end
if records == '0' then redis.call('DEL', KEYS[2]) else redis.call('LTRIM', KEYS[2], 0, records - 1) end
return { redis.call('GET', KEYS[3]), records, token }
`;

/**
 * KEYS: state, waiting, lists. ARGV: generation, how many have been put, what to do, arguments:
 *
 * | | arguments | |
 * |---|---|---|
 * | `end` | lists, where they have changed | removes the run |
 * | `append` | responses | |
 * | `note` | `token`, its value; or nothing | what was put counts |
 * | `read` | first, last | returns them |
 *
 * Else returns `done`; `gone` where there is no run, `taken` where it is another's, `dropped` where not all is there that was put.
 */
export const STEP_SCRIPT = `
local generation = redis.call('HGET', KEYS[1], 'generation')
if not generation then return 'gone' end
if generation ~= ARGV[1] then return 'taken' end
local action = ARGV[3]
if action == 'end' then
  if ARGV[4] then redis.call('SET', KEYS[3], ARGV[4]) end
  redis.call('DEL', KEYS[1], KEYS[2])
  return 'done'
end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) then return 'dropped' end
if action == 'read' then return redis.call('LRANGE', KEYS[2], ARGV[4], ARGV[5]) end
if action == 'append' then redis.call('RPUSH', KEYS[2], unpack(ARGV, 4))
else redis.call('HSET', KEYS[1], 'records', ARGV[2], unpack(ARGV, 4)) end
return 'done'
`;
