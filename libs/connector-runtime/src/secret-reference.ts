import { readFile } from 'node:fs/promises';
import { loadConfig, setting } from '@sever/config';
import { z } from 'zod';

/**
 * Resolves `file:/path` or `env:NAME` at the moment of use; the value is never stored or logged.
 * @throws Error naming the reference, never the value
 */
export async function resolveSecret(reference: string): Promise<string> {
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
