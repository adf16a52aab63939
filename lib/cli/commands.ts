import type { Command } from './command.js';

/** A subcommand in the overview. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** The command: loaded when it is run, for none needs what all others need. */
  load(): Promise<Command>;
}

/** The subcommands, in the order of the overview. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'ocsp',
    summary: 'a stand-in for "openssl ocsp" in scripts',
    load: async () => (await import('./ocsp/command.js')).ocspCommand,
  },
  {
    name: 'inspect',
    summary: 'show what is in an OCSP request or response',
    load: async () => (await import('./inspect.js')).inspectCommand,
  },
  { name: 'request', summary: 'make an OCSP request', load: async () => (await import('./request.js')).requestCommand },
  {
    name: 'verify',
    summary: 'verify an OCSP response: good, revoked, unknown or refused, and why',
    load: async () => (await import('./verify.js')).verifyCommand,
  },
  {
    name: 'query',
    summary: 'ask a responder over HTTP, and verify what it answers',
    load: async () => (await import('./query.js')).queryCommand,
  },
  {
    name: 'bulk-sign',
    summary: 'sign the status of every certificate in a list, into a store',
    load: async () => (await import('./bulk-sign.js')).bulkSignCommand,
  },
  {
    name: 'store',
    summary: 'a store: ls, get, stats, verify, compact, export, put, revoke, convert',
    load: async () => (await import('./store.js')).storeCommand,
  },
  {
    name: 'serve',
    summary: 'answer OCSP requests over HTTP',
    load: async () => (await import('./serve/command.js')).serveCommand,
  },
];
