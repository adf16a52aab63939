const ENTER = new Set(['\r', '\n', '\u0004']);
const INTERRUPT = '\u0003';
const ERASE = new Set(['\u007f', '\b']);

/** Asks for a line on the terminal, without showing it. Control-C ends the process, as it does elsewhere. */
export async function readSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stdin.setRawMode(true);
  stderr.write(question);
  stdin.setEncoding('utf8');
  try {
    const typed: string[] = [];
    for await (const chunk of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
      for (const character of chunk) {
        if (ENTER.has(character)) return typed.join('');
        if (character === INTERRUPT) process.kill(process.pid, 'SIGINT');
        else if (ERASE.has(character)) typed.pop();
        else typed.push(character);
      }
    }
    return typed.join('');
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
