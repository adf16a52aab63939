// Measures contenders side by side: in every round each has its turn, so that a change of the machine's speed hits all.

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {(iterations: number) => unknown} run does the work that often; may return a promise
 * @property {boolean} [limit] what the others are compared with
 * @property {number} [batch] operations that one iteration stands for
 */

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/**
 * @param {Contender[]} contenders
 * @param {{ rounds: number, milliseconds: number }} options
 * @returns {Promise<{ name: string, limit: boolean, opsPerSecond: number, microseconds: number, cpuMicroseconds: number, ratio: number }[]>}
 */
export async function measure(contenders, { rounds, milliseconds }) {
  const states = [];
  for (const contender of contenders) {
    // Doubles the work until it takes a turn's time; that also warms up.
    let iterations = 1;
    for (;;) {
      const elapsed = (await once(contender, iterations)).wall;
      if (elapsed >= (milliseconds * 1000) / 2 || iterations >= 2 ** 26) break;
      iterations *= 2;
    }
    states.push({ contender, iterations, wall: [], cpu: [] });
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const state of states) {
      const { wall, cpu } = await once(state.contender, state.iterations);
      const operations = state.iterations * (state.contender.batch ?? 1);
      state.wall.push(wall / operations);
      state.cpu.push(cpu / operations);
    }
  }
  const limit = states.find(({ contender }) => contender.limit);
  return states.map(({ contender, wall, cpu }) => ({
    name: contender.name,
    limit: contender.limit === true,
    opsPerSecond: 1e6 / median(wall),
    microseconds: median(wall),
    cpuMicroseconds: median(cpu),
    // Pair by pair, then the median: rounds differ more than contenders do.
    ratio: limit === undefined ? 1 : median(wall.map((time, round) => limit.wall[round] / time)),
  }));
}

/** Microseconds of wall and CPU time. */
async function once(contender, iterations) {
  const cpuBefore = process.cpuUsage();
  const before = process.hrtime.bigint();
  const result = contender.run(iterations);
  if (result instanceof Promise) await result;
  const wall = Number(process.hrtime.bigint() - before) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wall, cpu: user + system };
}
