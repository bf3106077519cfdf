import { describe, expect, it } from '@jest/globals';
import { freePort } from '@sever/embedded-postgres';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { connectorSystems } from '../../apps/sever/src/registry/connector-apps.js';

const root = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

type Instruction = { word: string; rest: string };

/** Instructions of a Dockerfile, continuation lines joined. */
function instructions(text: string): Instruction[] {
  return text
    .split('\n')
    .filter(line => !line.startsWith('#'))
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter(line => line.trim())
    .map(line => ({ word: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1).trim() }));
}

/** Everything in the Dockerfile that would not build or should not be. */
function problems(text: string): string[] {
  const all = instructions(text);
  const of = (word: string): string[] => all.filter(i => i.word === word).map(i => i.rest);
  const stages = of('FROM').map(rest => rest.split(' AS ')[1] ?? '');
  const names = new Set(stages);
  const runtime = all.slice(all.findLastIndex(i => i.word === 'FROM'));
  const last = (word: string): string => runtime.findLast(i => i.word === word)?.rest ?? '';
  const found: string[] = [];
  for (const from of of('FROM')) {
    const base = from.split(' ')[0] ?? '';
    if (!names.has(base) && !/^node:\$\{NODE_VERSION\}-[a-z]+-slim$/.test(base))
      found.push(`${base} is no pinned slim base`);
  }
  for (const rest of of('COPY')) found.push(...copyProblems(rest, names));
  if (!/^[1-9][0-9]*:[1-9][0-9]*$/.test(last('USER'))) found.push('the app runs as root or by a name');
  if (of('ADD').length > 0) found.push('ADD fetches and unpacks; use COPY');
  for (const word of ['ENTRYPOINT', 'HEALTHCHECK']) {
    const argv = /\[.*\]/.exec(last(word))?.[0];
    const [program, file] = argv ? (JSON.parse(argv) as string[]) : [];
    if (program !== 'node' || !file || !existsSync(path.join(root, file)))
      found.push(`${word} names no file for node`);
  }
  for (const { word, rest } of all)
    if (['ARG', 'ENV'].includes(word) && /(SECRET|TOKEN|PASSWORD|DATABASE_URL)/i.test(rest))
      found.push(`${word} ${rest} would stay in a layer`);
  if (!of('RUN').some(r => /npm ci --omit=dev/.test(r)))
    found.push('development dependencies are not left out');
  return found;
}

function copyProblems(rest: string, stages: ReadonlySet<string>): string[] {
  const words = rest.split(/\s+/);
  const from = /^--from=(.+)$/.exec(words[0] ?? '')?.[1];
  if (from !== undefined) return stages.has(from) ? [] : [`COPY --from=${from} is no stage`];
  return words
    .slice(0, -1)
    .flatMap(source =>
      existsSync(path.join(root, source))
        ? reachesContext(source)
          ? []
          : [`${source} is kept out by .dockerignore`]
        : [`${source} is not there`],
    );
}

/** Whether .dockerignore, which keeps everything out, lets a path in. */
const reachesContext = (source: string): boolean => read('.dockerignore').split('\n').includes(`!${source}`);

describe('deploy/Dockerfile', () => {
  const dockerfile = read('deploy/Dockerfile');

  it('has nothing that would not build or should not be', () => {
    expect(problems(dockerfile)).toEqual([]);
  });

  it.each([
    ['a root user', /USER .*/, 'USER root', /as root/],
    ['a file that is gone', 'COPY apps apps', 'COPY gone gone', /gone is not there/],
    ['a file outside the context', 'COPY apps apps', 'COPY README.md ./', /kept out/],
    ['an unknown stage', '--from=production', '--from=nowhere', /is no stage/],
    [
      'a shell as first process',
      /ENTRYPOINT .*/,
      'ENTRYPOINT node deploy/container/start-app.mjs',
      /^ENTRYPOINT/,
    ],
    ['a password', 'ARG REVISION', 'ARG API_TOKEN=x\nARG REVISION', /would stay in a layer/],
    [
      'a floating base',
      '${NODE_VERSION}-bookworm-slim AS runtime',
      'latest AS runtime',
      /no pinned slim base/,
    ],
    ['development dependencies', '--omit=dev', '', /development dependencies/],
  ])('would be refused with %s', (_what, found, planted, message) => {
    expect(problems(dockerfile.replace(found, planted)).join('\n')).toMatch(message);
  });

  it('takes the Node that is tested', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as {
      devDependencies: Record<string, string>;
    };
    expect(dockerfile).toContain(`ARG NODE_VERSION=${devDependencies.node}\n`);
  });

  it('keeps history, data and secrets out of the build', () => {
    const lines = read('.dockerignore')
      .split('\n')
      .filter(l => l && !l.startsWith('#'));
    expect(lines[0]).toBe('*');
    expect(lines.filter(l => /secret|\.git$|\.sever|\.env/.test(l) && l.startsWith('!'))).toEqual([]);
    expect(read('deploy/.gitignore')).toMatch(/^secrets\/$/m);
  });
});

describe('the first process of a container', () => {
  const start = path.join(root, 'deploy/container/start-app.mjs');

  it('says which apps there are when it is asked for another', () => {
    const run = spawnSync(process.execPath, [start], { env: { APP: '../sever' }, encoding: 'utf8' });
    expect(run.status).toBe(2);
    for (const system of connectorSystems()) expect(run.stderr).toContain(`connector-${system}`);
  });

  it('runs the app in its own process and hands on the arguments', () => {
    const run = spawnSync(process.execPath, [start, 'setup', '--help'], {
      env: { APP: 'sever' },
      encoding: 'utf8',
    });
    expect(run.status).toBe(0);
    expect(run.stdout).toContain('--instances');
  });

  it('says why a container is not healthy', async () => {
    const port = String(await freePort());
    const run = spawnSync(process.execPath, [path.join(root, 'deploy/container/check-health.mjs')], {
      env: { SEVER_HTTP_PORT: port },
      encoding: 'utf8',
    });
    expect([run.status, run.stdout]).toEqual([1, 'ECONNREFUSED\n']);
  });
});
