import { startScratchPostgres } from '@sever/embedded-postgres/testing';

const CLOSE_MS = 20_000;
const open = [];

/**
 * Remembers how something that was started is given back, for a run that ends early. The returned function gives it back, once;
 * callers use it when all goes well.
 */
export function opened(close) {
  const once = async () => {
    const at = open.indexOf(once);
    if (at < 0) return;
    open.splice(at, 1);
    await close();
  };
  open.push(once);
  return once;
}

/** Gives back everything that is still open, the newest first, and goes on when one of them hangs. */
export async function closeAll() {
  while (open.length > 0) {
    const close = open.at(-1);
    const late = new Promise(resolve => setTimeout(resolve, CLOSE_MS, 'late').unref());
    const how = await Promise.race([close().catch(error => error), late]);
    if (how !== undefined) console.error(`while cleaning up: ${how === 'late' ? 'something hangs' : how}`);
  }
}

/** PostgreSQL in a new folder, durable as in production, gone after `dispose()` and after a run that ends early. */
export async function scratchPostgres() {
  const server = await startScratchPostgres({ max_wal_size: '4GB', wal_compression: 'on', jit: 'off' });
  return { url: server.url, dispose: opened(() => server.dispose()) };
}
