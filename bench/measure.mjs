// Measures contenders side by side: in every round each has its turn, so that a change of the machine's speed hits all.
import { readFileSync } from 'node:fs';
import { GCProfiler, getHeapStatistics } from 'node:v8';

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {(iterations: number) => unknown} run does the work that often; may return a promise
 * @property {'limit' | 'own' | 'other'} [kind] a limit, this library, or another one (the default)
 * @property {number} [batch] operations that one iteration stands for
 * @property {() => number} [cpu] microseconds of CPU time that it has taken so far, where another process does the work
 */

/**
 * A contender of an operation. It is tried once, and what it gives is checked: a failure is fast, too.
 *
 * @param {string} name
 * @param {() => unknown} operation may return a promise
 * @param {Partial<Contender> & { check?: (result: unknown) => void }} options
 * @returns {Promise<Contender>}
 */
export async function contender(name, operation, { check, ...options } = {}) {
  const first = operation();
  try {
    check?.(await first);
  } catch (cause) {
    throw new Error(`${name} gives a wrong result: ${cause.message}`, { cause });
  }
  if (first instanceof Promise) {
    const run = async (iterations) => {
      for (let i = 0; i < iterations; i += 1) await operation();
    };
    return { name, run, ...options };
  }
  const run = (iterations) => {
    for (let i = 0; i < iterations; i += 1) operation();
  };
  return { name, run, ...options };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/**
 * Medians over the rounds. Ratios are to the first contender: taken round by round, since rounds differ more than contenders do.
 * A ratio of CPU time tells more than one of wall time where other programs share the machine; work on several threads
 * counts in full. Beside time there is what V8's heap takes.
 *
 * @param {Contender[]} contenders
 * @param {{ rounds: number, milliseconds: number }} options milliseconds of a turn
 */
export async function measure(contenders, { rounds, milliseconds }) {
  const states = [];
  for (const item of contenders) {
    states.push({ item, iterations: await calibrate(item, milliseconds), wall: [], cpu: [] });
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { item, iterations, wall, cpu } of states) {
      const spent = await once(item, iterations);
      const operations = iterations * (item.batch ?? 1);
      wall.push(spent.wall / operations);
      cpu.push(spent.cpu / operations);
    }
  }
  // In a turn of its own, as looking costs time.
  for (const state of states) {
    const { item, iterations } = state;
    state.heap = (await heapAllocated(item, iterations)) / (iterations * (item.batch ?? 1));
  }
  const [limit] = states;
  const ratio = (kind, values) => median(values.map((value, round) => limit[kind][round] / Math.max(value, 1e-6)));
  return states.map(({ item, wall, cpu, heap }) => ({
    name: item.name,
    kind: item.kind ?? 'other',
    opsPerSecond: 1e6 / median(wall),
    microseconds: median(wall),
    cpuMicroseconds: median(cpu),
    heapBytes: heap,
    ratio: ratio('wall', wall),
    cpuRatio: ratio('cpu', cpu),
    spread: (Math.max(...wall) - Math.min(...wall)) / median(wall),
  }));
}

/** How many iterations fill a turn. Finding out also warms up. */
async function calibrate(item, milliseconds) {
  const target = milliseconds * 1000;
  for (let iterations = 1; ; iterations *= 2) {
    const { wall } = await once(item, iterations);
    if (wall >= target / 2) return Math.max(1, Math.round((iterations * target) / wall));
  }
}

/** Microseconds of CPU time of programs that this one has started, and that have ended; 0 where the system does not tell. */
function timeOfPrograms() {
  if (process.platform !== 'linux') return 0;
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1).split(' ');
  // In hundredths of a second.
  return (Number(fields[13]) + Number(fields[14])) * 10_000;
}

/** Microseconds of wall time, and of CPU time of all threads and of programs that were started. */
async function once(item, iterations) {
  const cpu = item.cpu ?? ownCpu;
  const cpuBefore = cpu();
  const before = process.hrtime.bigint();
  const result = item.run(iterations);
  if (result instanceof Promise) await result;
  const wall = Number(process.hrtime.bigint() - before) / 1000;
  return { wall, cpu: cpu() - cpuBefore };
}

function ownCpu() {
  const { user, system } = process.cpuUsage();
  return user + system + timeOfPrograms();
}

/**
 * Bytes that V8 allocates for JavaScript objects: what its heap has grown by between garbage collections. What lies outside
 * of that heap, the memory of Buffers and of C++, is not in it.
 */
async function heapAllocated(item, iterations) {
  const profiler = new GCProfiler();
  profiler.start();
  const before = getHeapStatistics().used_heap_size;
  const result = item.run(iterations);
  if (result instanceof Promise) await result;
  const after = getHeapStatistics().used_heap_size;
  const { statistics } = profiler.stop();
  const freed = statistics.map(
    ({ beforeGC, afterGC }) => beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
  );
  return after - before + freed.reduce((sum, octets) => sum + octets, 0);
}
