import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { call, eventually, sql } from '../harness/clients.js';
import { gateBefore, type FaultGate } from '../harness/fault-gate.js';
import { inState, makePerson, optOutsOf, register, type Person } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

jest.setTimeout(400_000);

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const IN_FLIGHT = 6;
/** What takes effect once per opt-out, however often its cause is delivered. */
const ONCE = ['requested', 'cut', 'held', 'purge-started', 'closed'].map(name => `sever.optout.${name}.v1`);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** One data folder that goes from one log to another and back, each time in the middle of its work. */
describe('a data folder whose profile changes', () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sever-migration-'));
  let pipeline: Pipeline;
  let gate: FaultGate | undefined;
  beforeAll(async () => {
    chmodSync(dataDir, 0o711);
    await start('embedded');
  });
  afterEach(() => gate?.close());
  afterAll(async () => {
    await pipeline?.dispose();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function start(profile: string): Promise<void> {
    pipeline = await startPipeline(['--hold', '2s', '--profile', profile], { dataDir });
  }

  /** Entra says that somebody leaves. */
  async function leave(name: string): Promise<Person> {
    const person = await makePerson(pipeline, name);
    const id = await register(pipeline, 'entra', person.userName);
    const { baseUrl, token } = pipeline.connection('entra');
    const body = { schemas: [PATCH], Operations: [{ op: 'Replace', path: 'active', value: 'False' }] };
    expect((await call('PATCH', `${baseUrl}/Users/${id}`, token, body)).status).toBe(204);
    return person;
  }

  /** Someone whom a system that is ill keeps waiting, and several whose opt-out has only just been accepted. */
  async function unfinished(name: string): Promise<Person[]> {
    // The next start puts the connector back to the target itself.
    gate = await gateBefore(pipeline, 'scim');
    await gate.inject({ name: 'server-error' });
    const parked = await leave(`${name}-parked`);
    await eventually(
      'work that is parked',
      async () => {
        const [seen] = await optOutsOf(pipeline, parked.userName);
        return seen?.connectors.find(c => c.connector === 'scim')?.state === 'retrying';
      },
      60_000,
    );
    const people = [parked];
    for (let i = 0; i < IN_FLIGHT; i += 1) people.push(await leave(`${name}-${i}`));
    return people;
  }

  /** SIGKILL, as a machine that dies; resolves when every process of it is gone. */
  async function kill(): Promise<void> {
    const { processes } = pipeline.current();
    await pipeline.kill();
    await eventually('the end of every process', async () => !processes.some(p => isAlive(p.pid)), 60_000);
  }

  /** Everybody is gone, by one opt-out whose steps took effect once, and the log says the same as the read models. */
  async function expectGone(people: readonly Person[]): Promise<void> {
    for (const person of people) {
      const closed = await inState(pipeline, person.userName, ['closed'], 180_000);
      expect(closed.connectors.map(c => c.state)).toEqual(['purged', 'purged']);
      expect(await optOutsOf(pipeline, person.userName)).toHaveLength(1);
      expect([await person.roleExists(), (await person.scimUser()).status]).toEqual([false, 404]);
    }
    const repeated = await sql(
      pipeline.ready.databaseUrl,
      `select type, event ->> 'optoutid' as id, count(*)
         from log_record, lateral (select convert_from(value, 'UTF8')::jsonb as event) e
        where type = any($1) group by 1, 2 having count(*) > 1`,
      [ONCE],
    );
    expect(repeated).toEqual([]);
    const verified = await sever(pipeline, ['replay', 'verify', '--json']);
    expect(JSON.parse(verified.stdout)).toMatchObject({ equal: true });
  }

  it('goes from PostgreSQL to Kafka after a kill, with requests in flight and parked work', async () => {
    const people = await unfinished('to-kafka');
    await kill();
    await start('kafka');
    expect(pipeline.ready.profile).toBe('kafka');
    await expectGone(people);
  });

  it('goes on when the data of the brokers is gone: the relay fills new ones', async () => {
    const people = await unfinished('new-brokers');
    await kill();
    rmSync(path.join(dataDir, 'kafka'), { recursive: true });
    await start('kafka');
    await expectGone(people);
  });

  it('goes back from Kafka to PostgreSQL after a kill', async () => {
    const people = await unfinished('to-postgres');
    await kill();
    await start('embedded');
    expect(pipeline.ready.kafkaBrokers).toBeNull();
    await expectGone(people);
  });

  it('goes to Kafka again, where the brokers lack what was done meanwhile, after an ordinary stop', async () => {
    const people = await unfinished('again');
    expect(await pipeline.stop()).toBe(0);
    await start('kafka');
    await expectGone(people);
  });
});
