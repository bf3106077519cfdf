import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, eventually, sql } from '../harness/clients.js';
import { register, type OptOut } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

jest.setTimeout(900_000);

const PEOPLE = 200;
const KILLS = 20;
/** Processes whose sudden death nobody may notice in the outcome. */
const VICTIMS = [
  'scim-ingress',
  'connector-scim',
  'connector-postgres',
  'coordinator',
  'projector',
  'postgres',
  'target-scim',
  'target-postgres',
];

describe('with 200 opt-outs in flight and 20 kills', () => {
  let pipeline: Pipeline;
  const names = Array.from({ length: PEOPLE }, (_, i) => `storm.${i}@acme.example`);
  beforeAll(async () => {
    pipeline = await startPipeline(['--hold', '5s', '--rate-limit', 'off', '--governor', 'off']);
  });
  afterAll(() => pipeline?.dispose());

  async function makeAccounts(): Promise<void> {
    const { url } = pipeline.postgresTarget();
    await sql(
      url,
      names.map(name => `create role "${name}" login password 'a-password-of-the-target';`).join('\n'),
    );
    const { baseUrl, token } = pipeline.scimTarget();
    for (const userName of names) {
      const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
      expect(
        (await call('POST', `${baseUrl}/Users`, token, { schemas, userName, active: true })).status,
      ).toBe(201);
    }
  }

  /** Sends until the ingress has answered: an identity provider repeats what was not acknowledged. */
  async function optOut(id: string): Promise<void> {
    const { baseUrl, token } = pipeline.connection('entra');
    const Operations = [{ op: 'Replace', path: 'active', value: 'False' }];
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
    await eventually(
      'an acknowledged opt-out',
      async () =>
        (await call('PATCH', `${baseUrl}/Users/${id}`, token, { schemas, Operations })).status === 204,
      120_000,
      200,
    );
  }

  async function killOne(round: number): Promise<void> {
    const name = VICTIMS[round % VICTIMS.length];
    const victim = pipeline.current().processes.find(p => p.name === name);
    if (!victim) throw new Error(`no process ${name} in the ready file`);
    try {
      process.kill(victim.pid, 'SIGKILL');
    } catch {
      // Already dead and not yet restarted: the round counts all the same.
    }
    await sleep(700);
  }

  async function allOptOuts(): Promise<OptOut[]> {
    const { baseUrl, token } = pipeline.ready.api;
    const items: OptOut[] = [];
    let next: string | null = null;
    do {
      const page: { body: Record<string, unknown> } = await call(
        'GET',
        `${baseUrl}/v1/opt-outs?tenant=acme${next ? `&cursor=${encodeURIComponent(next)}` : ''}`,
        token,
      );
      items.push(...((page.body.items ?? []) as OptOut[]));
      next = (page.body.next ?? null) as string | null;
    } while (next);
    return items;
  }

  it('loses none, doubles none and replays to the same digest', async () => {
    await makeAccounts();
    const ids: string[] = [];
    for (const name of names) ids.push(await register(pipeline, 'entra', name));
    const sending = Promise.all(ids.map(id => optOut(id)));
    for (let round = 0; round < KILLS; round += 1) await killOne(round);
    await sending;
    const closed = await eventually(
      'all opt-outs closed',
      async () => {
        const mine = (await allOptOuts()).filter(o => o.userName && names.includes(o.userName));
        return mine.length >= PEOPLE && mine.every(o => o.state === 'closed') ? mine : undefined;
      },
      420_000,
      1_000,
    );
    expect(closed).toHaveLength(PEOPLE);
    const { url } = pipeline.postgresTarget();
    expect(await sql(url, `select rolname from pg_roles where rolname like 'storm.%'`)).toEqual([]);
    const [doubled] = await sql<{ n: string }>(
      pipeline.current().databaseUrl,
      'select count(*) - count(distinct event_id) as n from audit_event',
    );
    expect(Number(doubled?.n)).toBe(0);
    const verified = await sever(pipeline, ['replay', 'verify', '--json']);
    expect([verified.status, (JSON.parse(verified.stdout) as { equal: boolean }).equal]).toEqual([0, true]);
  });
});
