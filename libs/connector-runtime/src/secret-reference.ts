import { readFile } from 'node:fs/promises';
import { loadConfig, setting } from '@sever/config';
import { z } from 'zod';

/** How long a secret that was read is used, in milliseconds: a rotated one takes effect within it. */
const TTL_MS = 1_000;

/**
 * Resolves `file:/path` or `env:NAME` when it is used; the value is kept for a second at most and never logged.
 * @throws Error naming the reference, never the value
 */
export function createSecretResolver(
  now: () => number = performance.now.bind(performance),
): (reference: string) => Promise<string> {
  const read = new Map<string, { value: Promise<string>; until: number }>();
  return reference => {
    const hit = read.get(reference);
    if (hit && hit.until > now()) return hit.value;
    const value = resolveSecret(reference);
    read.set(reference, { value, until: now() + TTL_MS });
    value.catch(() => read.delete(reference));
    return value;
  };
}

async function resolveSecret(reference: string): Promise<string> {
  const [scheme, ...rest] = reference.split(':');
  const place = rest.join(':');
  if (scheme === 'file') return (await readFile(place, 'utf8')).trim();
  if (scheme === 'env') {
    const { secret } = loadConfig({
      secret: setting(place, 'secret of a connector instance', z.string().min(1), { secret: true }),
    });
    return secret;
  }
  throw new Error(`a secret reference begins with file: or env:, not ${scheme ?? ''}:`);
}
