import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Ports below those that systems hand out to outgoing connections (32768 and up): between a look and the broker's bind,
 * seconds later, no client of some other program can come by one of them.
 */
const LOWEST = 20_000;
const HIGHEST = 32_768;
const TRIES = 200;

/** A free TCP port of 127.0.0.1 that is not in `taken`. */
export async function choosePort(taken: ReadonlySet<number>): Promise<number> {
  for (let i = 0; i < TRIES; i += 1) {
    const candidate = randomInt(LOWEST, HIGHEST);
    if (!taken.has(candidate) && (await isFree(candidate))) return candidate;
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST} in ${TRIES} tries`);
}

/** Whether something could listen on a port of 127.0.0.1 now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
