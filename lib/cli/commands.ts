import { bulkSignCommand } from './bulk-sign.js';
import type { Command } from './command.js';
import { inspectCommand } from './inspect.js';
import { ocspCommand } from './ocsp/command.js';
import { queryCommand } from './query.js';
import { requestCommand } from './request.js';
import { serveCommand } from './serve/command.js';
import { storeCommand } from './store.js';
import { verifyCommand } from './verify.js';

/** The subcommands, in the order of the overview. */
export const COMMANDS: readonly Command[] = [
  ocspCommand,
  inspectCommand,
  requestCommand,
  verifyCommand,
  queryCommand,
  bulkSignCommand,
  storeCommand,
  serveCommand,
];
