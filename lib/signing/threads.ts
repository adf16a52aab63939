import type { NativeSigningPool } from '../../typings/binding.js';

/** Pools whose threads may be signing. */
const pools = new Set<WeakRef<NativeSigningPool>>();
const collected = new FinalizationRegistry<WeakRef<NativeSigningPool>>((pool) => pools.delete(pool));
let listens = false;

/**
 * process.exit() goes on to OpenSSL's clean-up while other threads run on, and tells no addon: a thread that signs would use what is being
 * freed, and the process would end by SIGSEGV. So the threads of `pool` end before that, each after the signature that it is at.
 */
export function endBeforeExit(pool: NativeSigningPool): void {
  if (!listens) process.prependListener('exit', closeAll);
  listens = true;
  const reference = new WeakRef(pool);
  pools.add(reference);
  collected.register(pool, reference);
}

function closeAll(): void {
  for (const pool of pools) pool.deref()?.close();
}
