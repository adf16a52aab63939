/** What Ctrl-C and SIGTERM do to a command that is under way. */

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Until it is disposed of, either signal calls `tell` and ends the process with the exit code that it returns. Nothing is waited
 * for: what a store holds outlasts the process however that ends.
 */
export function onInterruption(tell: () => number): Disposable {
  const end = (): void => process.exit(tell());
  for (const signal of SIGNALS) process.on(signal, end);
  return {
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) process.off(signal, end);
    },
  };
}
