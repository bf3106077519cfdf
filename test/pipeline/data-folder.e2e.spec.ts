import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { call, eventually, sql } from '../harness/clients.js';
import { inState, makePerson, register, type Person } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

jest.setTimeout(180_000);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('a data folder', () => {
  let dataDir: string;
  let running: Pipeline | undefined;
  beforeEach(() => {
    dataDir = mkdtempSync(path.join(tmpdir(), 'sever-folder-'));
    chmodSync(dataDir, 0o755);
  });
  afterEach(async () => {
    await running?.stop();
    running = undefined;
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = async (options: readonly string[] = []): Promise<Pipeline> =>
    (running = await startPipeline(options, { dataDir }));

  /** Someone whose opt-out is cut and held. */
  async function held(pipeline: Pipeline): Promise<Person> {
    const person = await makePerson(pipeline, 'folder');
    const id = await register(pipeline, 'strict', person.userName);
    const { baseUrl, token } = pipeline.connection('strict');
    expect((await call('DELETE', `${baseUrl}/Users/${id}`, token)).status).toBe(204);
    await inState(pipeline, person.userName, ['held']);
    return person;
  }

  it('of an earlier run continues where it stopped: same addresses, same tokens, the hold runs out', async () => {
    const first = await start(['--hold', '8s']);
    const person = await held(first);
    const before = first.ready;
    expect(await first.stop()).toBe(0);
    expect(existsSync(path.join(dataDir, 'run.json'))).toBe(false);
    expect(before.processes.filter(p => isAlive(p.pid))).toEqual([]);
    const second = await start(['--hold', '8s']);
    expect([second.ready.api, second.ready.connections, second.ready.downstream]).toEqual([
      before.api,
      before.connections,
      before.downstream,
    ]);
    await inState(second, person.userName, ['closed']);
    expect(await person.roleExists()).toBe(false);
  });

  it('of a run that was killed recovers, and nothing of that run survives', async () => {
    const first = await start(['--hold', '8s']);
    const person = await held(first);
    const before = first.ready.processes;
    await first.kill();
    const second = await start(['--hold', '8s']);
    expect(before.filter(p => isAlive(p.pid))).toEqual([]);
    await inState(second, person.userName, ['closed']);
    const verified = await sever(second, ['replay', 'verify', '--json']);
    expect([verified.status, (JSON.parse(verified.stdout) as { equal: boolean }).equal]).toEqual([0, true]);
  });

  it('of a killed run leaves nothing running even when nobody starts again', async () => {
    const first = await start();
    await first.kill();
    await eventually(
      'the end of every process',
      () => Promise.resolve(!first.ready.processes.some(p => isAlive(p.pid))),
      30_000,
    );
  });

  it('of a newer version is refused, with the version in the way and what to do', async () => {
    const first = await start();
    await sql(
      first.ready.databaseUrl,
      `insert into sever_migration (timestamp, name) values (1990000000000, 'FromTheFuture1990000000000')`,
    );
    await first.stop();
    await expect(start()).rejects.toThrow(/FromTheFuture.*start that version.*\(database\.newer\)/s);
    running = undefined;
  });

  it('of another PostgreSQL is refused and left as it is', async () => {
    const first = await start();
    await first.stop();
    const version = path.join(dataDir, 'pg', 'PG_VERSION');
    writeFileSync(version, '99\n');
    await expect(start()).rejects.toThrow(/PostgreSQL 99.*newer.*\(postgres\.version-mismatch\)/s);
    running = undefined;
    expect(readFileSync(version, 'utf8')).toBe('99\n');
  });
});
