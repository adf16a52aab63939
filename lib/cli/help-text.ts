/** What the help of a command says, as parts: for its page in the manual and for completion. */

/** A row of the help: an option or an action, and what it does. */
export interface HelpItem {
  /** As in `--days N, --hours N`. */
  readonly term: string;
  readonly text: string;
}

/** A part of the help: text, the heading of a group, or a row. */
export type HelpPart =
  | { readonly kind: 'text' | 'heading'; readonly text: string }
  | ({ readonly kind: 'item' } & HelpItem);

/** An option by its name with dashes. */
export interface HelpOption {
  readonly word: string;
  /** Name of its value, such as FILE; undefined where it takes none, or none that has to be there. */
  readonly value: string | undefined;
  readonly text: string;
}

const ITEM = /^ {1,2}(\S.*?) {2,}(\S.*)$/;
const CONTINUATION = /^ {10,}(\S.*)$/;

/** Reads a help text. */
export function parseHelp(help: string): HelpPart[] {
  const parts: HelpPart[] = [];
  let paragraph: string[] = [];
  let item: { kind: 'item'; term: string; text: string } | undefined;
  const flush = (): void => {
    const text = paragraph.join(' ');
    if (text !== '') parts.push({ kind: text.endsWith(':') ? 'heading' : 'text', text });
    paragraph = [];
  };
  for (const line of help.split('\n')) {
    const [, term, text] = ITEM.exec(line) ?? [];
    const [, more] = CONTINUATION.exec(line) ?? [];
    if (more !== undefined && item !== undefined) item.text += ` ${more}`;
    else if (term !== undefined && text !== undefined) {
      flush();
      item = { kind: 'item', term, text };
      parts.push(item);
    } else {
      item = undefined;
      if (line === '') flush();
      else paragraph.push(line.trim());
    }
  }
  flush();
  return parts;
}

/** The options that a help names, each once. */
export function helpOptions(help: string): HelpOption[] {
  const options = new Map<string, HelpOption>();
  for (const part of parseHelp(help)) {
    if (part.kind !== 'item' || !part.term.startsWith('-')) continue;
    for (const each of part.term.split(', ')) {
      const [, word = each, value] = /^(-[^\s[]+)(?: (.*))?/.exec(each) ?? [];
      if (word !== '-*' && !options.has(word)) options.set(word, { word, value, text: part.text });
    }
  }
  return [...options.values()];
}

/** The actions that a help names: rows whose first word is one. */
export function helpActions(help: string): HelpItem[] {
  return parseHelp(help).flatMap((part) =>
    part.kind === 'item' && /^[a-z]/.test(part.term)
      ? [{ term: part.term.split(' ', 1)[0] ?? '', text: part.text }]
      : [],
  );
}
