/** Starts what would outlive it. */
import { spawn } from 'node:child_process';
import { parentPort } from 'node:worker_threads';
import { tied } from './lifeline.js';

const { pid } = tied(spawn('sleep', ['1000'], { stdio: 'ignore', detached: true }), process.argv[2] as string);
if (parentPort === null) process.send?.(pid);
else parentPort.postMessage(pid);
setInterval(() => undefined, 1000);
