/** The page of the manual, openssl-ocsp(1), out of the help of the commands. */
import type { CommandHelp } from './command.js';
import { parseHelp } from './help-text.js';

/** The page in the macros of man(7). */
export function manualPage(version: string, commands: readonly CommandHelp[]): string {
  const lines = [
    // Without a date: the version tells how old it is.
    `.TH OPENSSL-OCSP 1 "" "openssl-ocsp ${version}" "User Commands"`,
    '.SH NAME',
    'openssl\\-ocsp \\- OCSP requests, responses, verification, signing and serving',
    '.SH SYNOPSIS',
    '.B openssl\\-ocsp',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    'The commands are:',
    ...commands.flatMap(({ name, summary }) => ['.TP', `.B ${roff(name)}`, text(summary)]),
    '.PP',
    '.B openssl\\-ocsp help',
    '.I command',
    'prints what is below,',
    '.B openssl\\-ocsp version',
    'which version this is and which OpenSSL it calls.',
  ];
  for (const { name, help } of commands) lines.push(`.SH ${roff(name.toUpperCase())}`, ...sectionOf(help));
  lines.push(
    '.SH SEE ALSO',
    '.BR openssl\\-ocsp (1ssl),',
    '.BR openssl\\-ca (1ssl),',
    'RFC 6960, RFC 9654, RFC 9919, and the documents in the folder',
    '.I docs',
    'of the package.',
  );
  return `${lines.join('\n')}\n`;
}

function sectionOf(help: string): string[] {
  const lines: string[] = [];
  for (const part of parseHelp(help)) {
    if (part.kind === 'item') lines.push('.TP', `.B ${roff(part.term)}`, text(part.text));
    else if (part.kind === 'heading') lines.push('.PP', `.B ${roff(part.text)}`);
    else {
      const [, usage] = /^Usage: (.*)$/.exec(part.text) ?? [];
      if (lines.length > 0) lines.push('.PP');
      if (usage === undefined) lines.push(text(part.text));
      else lines.push(`.B ${roff(usage)}`);
    }
  }
  return lines;
}

/** A line of text, which begins with no control character. */
function text(line: string): string {
  return `\\&${roff(line)}`;
}

function roff(line: string): string {
  return line.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replaceAll('`', '\\(ga');
}
