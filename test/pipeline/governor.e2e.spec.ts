import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { call, eventually } from '../harness/clients.js';
import { inState, makePerson, optOutsOf, register, type Person } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

jest.setTimeout(180_000);

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const LIMIT = 2;

type Shown = {
  id: string;
  state: string;
  needsAttention: boolean;
  attention: { code: string; nextAction: string }[];
  timeline: { type: string; actor: string }[];
  cutAt: string | null;
};
type Source = { source: { id: string }; optOuts: number; limit: number; waiting: number };

describe('a storm of one connection, with real processes', () => {
  let pipeline: Pipeline;
  const people: { person: Person; id: string }[] = [];
  beforeAll(async () => {
    pipeline = await startPipeline(['--hold', 'never', '--rate-limit', 'off']);
    await run(
      'governor',
      'set',
      ...'--tenant acme --connection okta --reason spec --max'.split(' '),
      `${LIMIT}`,
    );
    for (let i = 0; i < LIMIT + 4; i += 1) {
      const person = await makePerson(pipeline, 'storm');
      people.push({ person, id: await register(pipeline, 'okta', person.userName) });
    }
  });
  afterAll(() => pipeline?.dispose());

  async function run<T>(...args: string[]): Promise<T> {
    const { status, stdout, stderr } = await sever(pipeline, [...args, '--json']);
    if (status !== 0) throw new Error(`status ${status}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }
  const optOutOf = async (at: number): Promise<Shown> => {
    const [found] = await optOutsOf(pipeline, people[at]!.person.userName);
    if (!found) throw new Error(`nobody asked for person ${at}`);
    return run<Shown>('status', found.id);
  };
  const leaves = async (at: number): Promise<void> => {
    const { baseUrl, token } = pipeline.connection('okta');
    const body = { schemas: [PATCH], Operations: [{ op: 'replace', value: { active: false } }] };
    expect((await call('PATCH', `${baseUrl}/Users/${people[at]!.id}`, token, body)).status).toBe(200);
  };
  const isCut = async ({ person }: (typeof people)[number]): Promise<boolean> =>
    !person.session.alive() && !(await person.login());
  const source = async (): Promise<Source | undefined> =>
    (await run<{ items: Source[] }>('governor', '--tenant', 'acme')).items.find(
      item => item.source.id === 'okta',
    );

  it('cuts those within the limit and holds the others, also after the ingress was killed', async () => {
    for (let at = 0; at < LIMIT + 2; at += 1) await leaves(at);
    const before = pipeline.current().processes.find(p => p.name === 'scim-ingress')?.pid ?? 0;
    process.kill(before, 'SIGKILL');
    await eventually('another ingress answers', async () => {
      const pid = pipeline.current().processes.find(p => p.name === 'scim-ingress')?.pid;
      if (pid === before) return false;
      return (await fetch(`${pipeline.ready.api.baseUrl}/readyz`).catch(() => undefined))?.ok ?? false;
    });
    for (let at = LIMIT + 2; at < LIMIT + 4; at += 1) await leaves(at);
    for (const one of people.slice(0, LIMIT)) {
      await inState(pipeline, one.person.userName, ['closed'], 60_000);
      expect(await isCut(one)).toBe(true);
    }
    for (const one of people.slice(LIMIT)) await inState(pipeline, one.person.userName, ['staged'], 60_000);
    expect(await source()).toMatchObject({ optOuts: LIMIT + 4, limit: LIMIT, waiting: 4 });
    const shown = await optOutOf(LIMIT);
    expect(shown).toMatchObject({
      needsAttention: true,
      attention: [{ code: 'governor.staged' }],
      cutAt: null,
    });
    expect((await sever(pipeline, ['status', shown.id])).stdout).toContain('approve or reject it');
    expect(await run<Shown[]>('status', '--state', 'staged')).toHaveLength(4);
    for (const { person } of people.slice(LIMIT)) expect(person.session.alive()).toBe(true);
  });

  it('lets everybody else go at once: a leaver of another connection, and one whom an operator opts out', async () => {
    const person = await makePerson(pipeline, 'single');
    const id = await register(pipeline, 'entra', person.userName);
    const { baseUrl, token } = pipeline.connection('entra');
    expect((await call('DELETE', `${baseUrl}/Users/${id}`, token)).status).toBe(204);
    const asked = await makePerson(pipeline, 'asked');
    await register(pipeline, 'entra', asked.userName);
    await run('opt-out', '--tenant', 'acme', '--user', asked.userName);
    for (const one of [person, asked]) {
      await inState(pipeline, one.userName, ['closed'], 60_000);
      expect(one.session.alive()).toBe(false);
    }
  });

  it('cuts who is approved, and touches nobody who is rejected', async () => {
    const [approved, rejected] = [await optOutOf(LIMIT), await optOutOf(LIMIT + 1)];
    await run('approve', approved.id, '--reason', 'he left');
    await run('reject', rejected.id, '--reason', 'she stays');
    const [left, stays] = [people[LIMIT]!, people[LIMIT + 1]!];
    await inState(pipeline, left.person.userName, ['closed'], 60_000);
    expect(await isCut(left)).toBe(true);
    await inState(pipeline, stays.person.userName, ['restored'], 60_000);
    expect(stays.person.session.alive()).toBe(true);
    expect(await stays.person.login()).toBe(true);
    const lines = async (at: number) =>
      (await optOutOf(at)).timeline
        .filter(entry => entry.type.startsWith('sever.optout.'))
        .map(entry => `${entry.type.split('.')[2]} by ${entry.actor}`);
    expect((await lines(LIMIT)).slice(0, 2)).toEqual(['staged by okta', 'approved by operator']);
    expect(await lines(LIMIT + 1)).toEqual(['staged by okta', 'rejected by operator']);
    expect((await optOutOf(LIMIT)).needsAttention).toBe(false);
    const again = await sever(pipeline, ['approve', approved.id, '--reason', 'twice']);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('opt-out.not-staged')]);
  });

  it('is approved as a whole', async () => {
    const report = await run<object>(
      'approve',
      ...'--all --tenant acme --connection okta --reason all'.split(' '),
    );
    expect(report).toMatchObject({ approved: 2, reclaimed: 0, waiting: 0 });
    for (const one of people.slice(LIMIT + 2)) {
      await inState(pipeline, one.person.userName, ['closed'], 60_000);
      expect(await isCut(one)).toBe(true);
    }
    expect(await source()).toMatchObject({ waiting: 0 });
    const usage = await sever(pipeline, ['approve', '--all', '--reason', 'whose']);
    expect(usage.status).toBe(2);
  });

  it('is told in an audit stream that replays to the same state', async () => {
    expect(await run<object>('replay', 'verify')).toMatchObject({
      equal: true,
      audit: { missing: 0, differing: 0 },
    });
  });
});
