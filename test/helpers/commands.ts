import type { Command, CommandEntry } from '#dist/cli/command.js';
import { COMMANDS } from '#dist/cli/commands.js';

/** The subcommands with options in the usual way, loaded. */
export async function loadCommands(): Promise<(CommandEntry & Command)[]> {
  const all = await Promise.all(COMMANDS.map(async (entry) => ({ ...entry, ...(await entry.load()) })));
  return all.filter(({ ownGrammar }) => !ownGrammar);
}
