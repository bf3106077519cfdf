import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { HttpProblem } from '../http-problem.js';

/** Keys of an issuer are believed for this long; an unknown key id asks again, but not more often than the pause. */
const KEYS_BELIEVED_MS = 3_600_000;
const PAUSE_MS = 30_000;
/** After a failure nobody asks again for this long. */
const FAILURE_PAUSE_MS = 5_000;
const TIMEOUT_MS = 3_000;
const BYTES_MAX = 256 * 1_024;
const SETS_MAX = 1_000;

/** Errors that say something about the token, not about whoever publishes the keys. */
const ABOUT_THE_TOKEN = new Set([
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
  'ERR_JOSE_NOT_SUPPORTED',
]);

/** Public keys that others publish, fetched within limits. */
export class RemoteKeys {
  private readonly sets = new Map<string, JWTVerifyGetKey>();

  /**
   * Keys behind an address. Getting one fails with 503 `issuer.unreachable` when they cannot be read: that is no reason to call
   * a token wrong.
   */
  at(address: string): JWTVerifyGetKey {
    const known = this.sets.get(address);
    if (known) return known;
    if (this.sets.size >= SETS_MAX) this.sets.clear();
    const made = keysAt(address);
    this.sets.set(address, made);
    return made;
  }
}

function keysAt(address: string): JWTVerifyGetKey {
  let failedAt = -Infinity;
  const keys = createRemoteJWKSet(new URL(address), {
    timeoutDuration: TIMEOUT_MS,
    cooldownDuration: PAUSE_MS,
    cacheMaxAge: KEYS_BELIEVED_MS,
    [customFetch]: fetchWithin,
  });
  return async (header, token) => {
    if (performance.now() - failedAt < FAILURE_PAUSE_MS) throw unreachable();
    try {
      return await keys(header, token);
    } catch (error) {
      if (error instanceof errors.JOSEError && ABOUT_THE_TOKEN.has(error.code)) throw error;
      failedAt = performance.now();
      throw unreachable();
    }
  };
}

/** One GET without redirects whose answer has a size that keys have. */
async function fetchWithin(url: string, options: RequestInit): Promise<Response> {
  const reply = await fetch(url, { ...options, redirect: 'manual' });
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (reply.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > BYTES_MAX) throw new Error('the key set is too large');
    parts.push(part);
  }
  return new Response(Buffer.concat(parts), { status: reply.status });
}

const unreachable = (): HttpProblem =>
  new HttpProblem(
    503,
    'issuer.unreachable',
    'the keys of the token issuer cannot be read now; the request was not accepted, repeat it',
    { 'retry-after': String(FAILURE_PAUSE_MS / 1_000) },
  );
