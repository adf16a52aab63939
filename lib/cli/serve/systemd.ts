/** What systemd hands to a service, and wants to hear of it (sd_listen_fds(3), sd_notify(3)). */
import { execFile } from 'node:child_process';
import cluster from 'node:cluster';

/** The first descriptor that is handed over: SD_LISTEN_FDS_START. */
const FIRST_DESCRIPTOR = 3;

/** The address of the socket that systemd opened for this service; undefined where it did not. */
export function handedSocket(): string | undefined {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = process.env;
  // Several processes share what their supervisor was given.
  const own = cluster.isWorker ? process.ppid : process.pid;
  return pid === String(own) && Number(count) > 0 ? `fd:${FIRST_DESCRIPTOR}` : undefined;
}

/** Tells systemd, which has the program for it, where it wants to be told. */
export async function notify(
  state: 'READY' | 'RELOADING' | 'STOPPING',
  onError: (error: unknown) => void,
): Promise<void> {
  if (process.env['NOTIFY_SOCKET'] === undefined) return;
  const time = state === 'RELOADING' ? [`MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`] : [];
  await new Promise<void>((resolve) => {
    execFile('systemd-notify', [`${state}=1`, ...time], (error) => {
      if (error !== null) onError(error);
      resolve();
    });
  });
}
