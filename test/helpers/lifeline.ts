/** A server that a test has started ends with the test's process, also where that is killed or its thread is ended. */
import { type ChildProcess, spawn } from 'node:child_process';

/** Waits for the end of its input: no one is left to write there. One that was stopped goes on, so that it can end. */
const WATCHER = `read -r nothing; kill -CONT "$1"; kill -QUIT "$1"
  for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" || break; sleep 1; done; kill -KILL "$1"; rm -rf "$2"`;

/**
 * Ties the life of a server to this thread's, and removes its folder behind it.
 *
 * @returns `child`
 */
export function tied(child: ChildProcess, folder: string): ChildProcess {
  // In a session of its own: what ends the test's process group does not end it.
  const watcher = spawn('sh', ['-c', WATCHER, 'sh', String(child.pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  watcher.stdin?.on('error', () => undefined);
  child.once('exit', () => {
    watcher.kill('SIGKILL');
    watcher.stdin?.destroy();
  });
  return child;
}
