/** Completion in the languages of the shells. */
import type { CompletedCommand } from './completion.js';

const PROGRAM = 'openssl-ocsp';
const FUNCTION = '_openssl_ocsp';

/** What a value is, by its name in the help; undefined for what a shell cannot know. */
function kindOf(value: string): 'file' | 'folder' | undefined {
  if (/^(FOLDER|DIR)\b/.test(value)) return 'folder';
  // Of `openssl ocsp` the help does not always tell which values are files.
  return /^(FILE|infile|outfile|val|uri)\b/.test(value) ? 'file' : undefined;
}

/** A text in single quotes, for bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** For bash 4 and later. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const words = (list: readonly string[]): string => `words=${quoted(list.join(' '))}`;
  const cases = commands.map(({ name, options, words: first }) => {
    const withKind = (kind: string | undefined): string[] =>
      options.filter(({ value }) => value !== undefined && kindOf(value) === kind).map(({ word }) => word);
    const lines = [
      ['file', withKind('file')] as const,
      ['folder', withKind('folder')] as const,
      ['other', withKind(undefined)] as const,
    ]
      .filter(([, list]) => list.length > 0)
      .map(([kind, list]) => `        ${list.join('|')}) kind=${kind} ;;`);
    return `    ${name})
      ${words(options.map(({ word }) => word))}
      first=${quoted(first.map(({ term }) => term).join(' '))}
      case $previous in
${lines.join('\n')}
        *) ;;
      esac ;;`;
  });
  return `# Completion of ${PROGRAM} for bash.
${FUNCTION}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words='' first='' kind=''
  COMPREPLY=()
  # An equals sign is a word of its own.
  if [[ $current == = ]]; then current=''
  elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W ${quoted(commands.map(({ name }) => name).join(' '))} -- "$current")
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  if [[ $kind == other ]]; then return; fi
  if [[ $kind == folder ]]; then compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current")
  elif [[ $kind == '' && $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  elif [[ $kind == '' && $first != '' && $COMP_CWORD == 2 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$first" -- "$current")
  else compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F ${FUNCTION} ${PROGRAM}
`;
}

/** For zsh 5. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const described = (list: readonly (readonly [string, string])[]): string =>
    list.map(([word, text]) => quoted(`${word}:${text}`)).join(' ');
  const cases = commands.map(({ name, options, words }) => {
    const specs = options.map(({ word, value, text, multiple }) => {
      const about = text.replace(/[[\]\\:]/g, '\\$&');
      const action =
        value === undefined ? undefined : { file: '_files', folder: '_files -/', other: ' ' }[kindOf(value) ?? 'other'];
      const joined = value !== undefined && word.startsWith('--') ? '=' : '';
      return quoted(
        `${multiple ? '*' : ''}${word}${joined}[${about}]${action === undefined ? '' : `:${value?.replaceAll(':', '\\:')}:${action}`}`,
      );
    });
    const first =
      words.length === 0
        ? `'*:file:_files'`
        : `'1:word:((${words
            .map(({ term, text }) => `${term}\\:${text.replace(/[^\w]/g, '\\$&')}`)
            .join(' ')
            .replaceAll("'", '')}))' '*:file:_files'`;
    return `    ${name}) _arguments -S \\\n      ${[...specs, first].join(' \\\n      ')} ;;`;
  });
  return `#compdef ${PROGRAM}
# Completion of ${PROGRAM} for zsh.
${FUNCTION}() {
  local -a commands
  if ((CURRENT == 2)); then
    commands=(${described(commands.map(({ name, summary }) => [name, summary.replaceAll(':', '\\:')]))})
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT -= 1))
  case $command in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == ${FUNCTION} || $funcstack[1] == _${PROGRAM} ]]; then ${FUNCTION} "$@"; else compdef ${FUNCTION} ${PROGRAM}; fi
`;
}

/** For fish 3. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const text = (about: string): string => `'${about.replace(/[\\']/g, '\\$&')}'`;
  const lines = commands.map(
    ({ name, summary }) => `complete -c ${PROGRAM} -n '_${FUNCTION}_at 1' -a ${name} -d ${text(summary)}`,
  );
  for (const { name, options, words } of commands) {
    const when = `-n '_${FUNCTION}_in ${name}'`;
    for (const { term, text: about } of words)
      lines.push(
        `complete -c ${PROGRAM} -n '_${FUNCTION}_in ${name}; and _${FUNCTION}_at 2' -a ${term} -d ${text(about)}`,
      );
    if (words.length === 0) lines.push(`complete -c ${PROGRAM} ${when} -F`);
    for (const { word, value, text: about } of options) {
      const form = word.startsWith('--') ? `-l ${word.slice(2)}` : `-o ${word.slice(1)}`;
      const files = { file: ' -r -F', folder: " -x -a '(__fish_complete_directories)'", other: ' -x' };
      const takes = value === undefined ? '' : files[kindOf(value) ?? 'other'];
      lines.push(`complete -c ${PROGRAM} ${when} ${form}${takes} -d ${text(about)}`);
    }
  }
  return `# Completion of ${PROGRAM} for fish.
function _${FUNCTION}_at
  test (count (commandline -opc)) -eq $argv[1]
end
function _${FUNCTION}_in
  set -l words (commandline -opc)
  test (count $words) -gt 1; and test $words[2] = $argv[1]
end
complete -c ${PROGRAM} -f
${lines.join('\n')}
`;
}
