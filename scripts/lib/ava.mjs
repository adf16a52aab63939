// ava's command line, in a process that answers SIGUSR2 with a report of where each of its threads stands.
import { bin } from './run.mjs';

Object.assign(process.report, { reportOnSignal: true, signal: 'SIGUSR2', directory: process.env.OCSP_REPORTS });
await import(bin('ava'));
