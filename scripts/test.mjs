// npm test: builds what is stale, then runs the suite, or the files whose path holds one of the words given.
import { inRoot } from './lib/paths.mjs';
import { bin, has, main, node, run, ScriptError, step } from './lib/run.mjs';
import { runSuite } from './lib/suite.mjs';
import { EVERY } from './lib/suites.mjs';

const options = {
  match: { type: 'string', help: 'only tests whose title matches this pattern of ava, such as *nonce*' },
  coverage: { type: 'boolean', help: 'also print which lines of TypeScript were reached; an error below 95 per cent' },
};
const about =
  'Runs the tests. With words, only those files whose path holds one of them: npm test -- bulk/store verdict';

await main({ usage: 'npm test [-- options] [word ...]', about, options }, async ({ match, coverage }, words) => {
  node(inRoot('scripts', 'setup.mjs'));
  const stem = (word) => word.replace(/^(build\/)?test\//, '').replace(/\.(ts|js)$/, '');
  const files = EVERY.filter((name) => words.length === 0 || words.some((word) => name.includes(stem(word), 11)));
  if (files.length === 0) throw new ScriptError(`No test file's path holds ${words.join(' or ')}.`);
  const counts = inRoot('coverage', 'tmp');
  try {
    await runSuite({
      label: `Node ${process.version}`,
      files,
      match,
      env: coverage ? { NODE_V8_COVERAGE: counts } : {},
    });
  } finally {
    sayWhatIsMissing();
  }
  if (coverage) {
    step('lines of TypeScript');
    const { status } = node(bin('c8'), ['report', '--temp-directory', counts], { allowFailure: true });
    if (status !== 0) throw new ScriptError('Too few lines of TypeScript are reached.');
  }
});

/** Many tests compare with the openssl command, and only with one of the same minor version as Node's OpenSSL. */
function sayWhatIsMissing() {
  const own = process.versions.openssl.split('.', 2).join('.');
  const version = has('openssl') ? run('openssl', ['version'], { capture: true }).stdout : '';
  const found = /^OpenSSL (\d+\.\d+)/.exec(version)?.[1];
  if (found === own) return;
  console.log(
    `Skipped: what compares answers, texts and verdicts with the openssl command. It needs version ${own} on the PATH ` +
      `(Debian: apt-get install openssl); there is ${found ?? 'none'}.`,
  );
}
