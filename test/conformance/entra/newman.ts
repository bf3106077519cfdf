import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const VERSION = '6.2.2';
const run = promisify(execFile);

/** One assertion of a collection as newman reports it. */
export type Assertion = { request: string; assertion: string; error: string | undefined };

type Report = {
  run: {
    executions: {
      item: { name: string };
      assertions?: { assertion: string; error?: { message: string } }[];
      requestError?: { message: string };
    }[];
  };
};

/**
 * Runs a Postman collection with newman.
 * @param variables of its environment and, as `token`, the global one
 * @returns every assertion that was made; a request that got no answer counts as one that failed
 * @throws Error when newman cannot be had or does not come to a report
 */
export async function runCollection(
  collection: string,
  variables: Readonly<Record<string, string>>,
  token: string,
): Promise<Assertion[]> {
  const newman = await installed();
  const folder = mkdtempSync(path.join(tmpdir(), 'sever-newman-'));
  const file = path.join(folder, 'report.json');
  const flags = Object.entries(variables).flatMap(([name, value]) => ['--env-var', `${name}=${value}`]);
  const report = ['--reporters', 'json', '--reporter-json-export', file];
  try {
    // A failed assertion is an exit status of 1: the report says which.
    const failed = await run(process.execPath, [
      newman,
      ...['run', collection, ...flags, '--global-var', `token=${token}`, ...report],
    ]).then(
      () => undefined,
      (error: Error) => error,
    );
    if (!existsSync(file)) throw failed ?? new Error('newman made no report');
    return assertionsOf(JSON.parse(readFileSync(file, 'utf8')) as Report);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function assertionsOf({ run: { executions } }: Report): Assertion[] {
  return executions.flatMap(({ item, assertions = [], requestError }) => [
    ...(requestError ? [{ request: item.name, assertion: 'is answered', error: requestError.message }] : []),
    ...assertions.map(({ assertion, error }) => ({
      ...{ request: item.name, assertion, error: error?.message },
    })),
  ]);
}

/** Its script, installed once per version in the cache folder of the user. */
async function installed(): Promise<string> {
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'sever');
  const home = path.join(cache, `newman-${VERSION}`);
  const script = path.join(home, 'node_modules', 'newman', 'bin', 'newman.js');
  if (existsSync(script)) return script;
  mkdirSync(home, { recursive: true });
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', home, `newman@${VERSION}`]);
  return script;
}
