/** `openssl-ocsp completion`: what a shell completes, out of the tables and the help of the commands. */
import { readArguments } from './arguments.js';
import { type Command, type CommandHelp, ExitCode, UsageError } from './command.js';
import { type HelpItem, type HelpOption, helpActions, helpOptions } from './help-text.js';
import { bashScript, fishScript, zshScript } from './shells.js';

const HELP = `Usage: openssl-ocsp completion SHELL

Prints what makes a shell complete commands, options and files. To have it in every session:

  bash    echo 'source <(openssl-ocsp completion bash)' >> ~/.bashrc
  zsh     echo 'source <(openssl-ocsp completion zsh)' >> ~/.zshrc, behind compinit
  fish    openssl-ocsp completion fish > ~/.config/fish/completions/openssl-ocsp.fish

Exit codes: 0 done, 2 wrong usage.
`;

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
const SHELL_NAMES = Object.keys(SHELLS) as (keyof typeof SHELLS)[];

/** What may stand behind the name of a command. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly (HelpOption & { readonly multiple: boolean })[];
  /** What its first argument may be, where that is a word out of a list; otherwise it is a file. */
  readonly words: readonly HelpItem[];
}

/** The commands as shells complete them. */
export function completedCommands(commands: readonly CommandHelp[]): CompletedCommand[] {
  const names = commands.map(({ name, summary }) => ({ term: name, text: summary }));
  return [
    ...commands.map(({ name, summary, help, options = {} }) => ({
      name,
      summary,
      options: helpOptions(help).map((option) => ({
        ...option,
        multiple: options[option.word.replace(/^-+/, '')]?.multiple === true,
      })),
      words: helpActions(help),
    })),
    { name: 'help', summary: 'tell more about a command', options: [], words: names },
    { name: 'version', summary: 'tell which version this is', options: [], words: [] },
  ];
}

/** The command, for these commands. */
export function completionCommand(load: () => Promise<readonly CommandHelp[]>): Command {
  return {
    help: HELP,
    options: {},
    async run(args) {
      const {
        positionals: [name],
      } = readArguments(args, {}, 1);
      if (name === undefined) throw new UsageError(`a shell is missing: ${SHELL_NAMES.join(', ')}`);
      const shell = SHELL_NAMES.find((known) => known === name);
      if (shell === undefined) throw new UsageError(`no such shell: ${name}; there are ${SHELL_NAMES.join(', ')}`);
      process.stdout.write(SHELLS[shell](completedCommands(await load())));
      return ExitCode.OK;
    },
  };
}
