import type { CommandEntry, CommandHelp } from './command.js';

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
    summary: 'a store: ls, get, stats, verify, compact, export, mirror, put, revoke, convert',
    load: async () => (await import('./store.js')).storeCommand,
  },
  {
    name: 'db',
    summary: 'statuses in a PostgreSQL database: init, import, status',
    load: async () => (await import('./db.js')).dbCommand,
  },
  {
    name: 'serve',
    summary: 'answer OCSP requests over HTTP',
    load: async () => (await import('./serve/command.js')).serveCommand,
  },
  {
    name: 'completion',
    summary: 'print what makes bash, zsh or fish complete this command',
    load: async () => (await import('./completion.js')).completionCommand(loadHelp),
  },
];

/** What all of them say of themselves. */
export async function loadHelp(): Promise<CommandHelp[]> {
  return await Promise.all(
    COMMANDS.map(async ({ name, summary, load }) => {
      const { help, options } = await load();
      return { name, summary, help, ...(options && { options }) };
    }),
  );
}
