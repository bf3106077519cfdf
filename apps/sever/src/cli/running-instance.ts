import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT, SeverError } from '../sever-error.js';
import type { ReadyFile } from '../up/ready-file.js';

/** The running instance of a data folder. */
export function runningInstance(dataDir: string): ReadyFile {
  const file = path.join(path.resolve(dataDir), 'run.json');
  if (!existsSync(file))
    throw new SeverError(
      'not.running',
      `nothing runs on ${path.resolve(dataDir)}; start it with npm start, or name its folder with --data`,
      EXIT.unreachable,
    );
  return JSON.parse(readFileSync(file, 'utf8')) as ReadyFile;
}

/** Calls the REST door of an instance; an answer that says no becomes an error with its reason. */
export async function api<T>(
  ready: ReadyFile,
  method: string,
  route: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  let reply: Response;
  try {
    reply = await fetch(ready.api.baseUrl + route, {
      method,
      headers: {
        authorization: `Bearer ${ready.api.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new SeverError(
      'unreachable',
      `${ready.api.baseUrl} does not answer; is it running?`,
      EXIT.unreachable,
    );
  }
  const answer: unknown = await reply.json().catch(() => ({}));
  if (reply.ok) return answer as T;
  const problem = answer as { code?: string; detail?: string };
  const exit = reply.status === 501 ? EXIT.usage : reply.status >= 500 ? EXIT.unreachable : EXIT.no;
  throw new SeverError(
    problem.code ?? `http.${reply.status}`,
    problem.detail ?? `the REST door answered ${reply.status}`,
    exit,
  );
}
