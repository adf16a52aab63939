/**
 * Devices sign on threads of libuv's pool. One that hangs keeps its threads until it ends, and all that reads files and looks up names needs
 * some, too: so devices never have all of them.
 */

/** Threads of the pool; see UV_THREADPOOL_SIZE of Node.js. */
const POOL = Math.max(1, Math.floor(Number(process.env['UV_THREADPOOL_SIZE'])) || 4);

/** Signatures that the devices of one CA make at a time. */
export const DEVICE_SIGNATURES: number = Math.max(1, POOL >> 1);

let free = Math.max(1, POOL - 1);
const waiting: (() => void)[] = [];

/** Signs with a device once there is a thread for it. */
export async function onDeviceThread<T>(sign: () => Promise<T>): Promise<T> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await sign();
  } finally {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }
}
