import { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';

export type Reply = { status: number; headers: Headers; body: Record<string, unknown> };

/** One JSON request; the body is parsed when there is one. Rejects when no answer comes within `timeoutMs`. */
export async function call(
  method: string,
  url: string,
  token: string,
  body?: unknown,
  headers: Record<string, string> = {},
  timeoutMs = 300_000,
): Promise<Reply> {
  const reply = await fetch(url, {
    method,
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && {
        'content-type': url.includes('/scim/') ? 'application/scim+json' : 'application/json',
      }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await reply.text();
  return {
    status: reply.status,
    headers: reply.headers,
    body: text ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

/** Polls until `probe` gives something; fails with the last thing seen. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false | null>,
  timeoutMs = 30_000,
  everyMs = 50,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const seen = await probe();
      if (seen !== undefined && seen !== false && seen !== null) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    await sleep(everyMs);
  }
  throw new Error(
    `${what} did not happen within ${timeoutMs} ms; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
  );
}

/** Runs statements on a PostgreSQL server in a connection of their own. */
export async function sql<T extends object = Record<string, unknown>>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(text, [...values])).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The same server as another role. */
export function urlAs(url: string, user: string, password: string): string {
  const parsed = new URL(url);
  parsed.username = encodeURIComponent(user);
  parsed.password = encodeURIComponent(password);
  return parsed.toString();
}
