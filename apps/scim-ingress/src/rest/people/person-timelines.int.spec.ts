import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeEvent } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import { createPostgresEventLogWriter } from '@sever/event-log-postgres';
import type { PersonEvent } from '@sever/read-models';
import { GROUP_SCHEMA_ID, USER_SCHEMA_ID } from '@sever/scim';
import { startIngress, type Answer, type RunningIngress } from '../../testing/running-ingress.js';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

describe('the timeline of a person', () => {
  let ingress: RunningIngress;
  let token: string;
  beforeAll(async () => {
    ingress = await startIngress();
    token = (await ingress.connect('hr')).token;
    await ingress.connect('elsewhere', 'globex');
  });
  afterAll(() => ingress?.close());

  const scim = async (method: string, path: string, body?: object): Promise<Answer> => {
    const answer = await ingress.ask(method, `/scim/v2/hr${path}`, { token, ...(body && { body }) });
    expect(answer.status).toBeLessThan(300);
    return answer;
  };
  const patch = (path: string, ...operations: object[]): Promise<Answer> =>
    scim('PATCH', path, { schemas: [PATCH], Operations: operations });
  const person = async (userName: string): Promise<string> =>
    String((await scim('POST', '/Users', { schemas: [USER_SCHEMA_ID], userName })).json.id);
  const group = async (displayName: string, ...members: string[]): Promise<string> => {
    const body = { schemas: [GROUP_SCHEMA_ID], displayName, members: members.map(value => ({ value })) };
    return String((await scim('POST', '/Groups', body)).json.id);
  };
  const leave = (of: string, user: string): Promise<Answer> =>
    patch(`/Groups/${of}`, { op: 'remove', path: `members[value eq "${user}"]` });
  const api = (path: string): Promise<Answer> => ingress.ask('GET', path, { token: ingress.apiToken });
  const look = (query: Record<string, string>): Promise<Answer> =>
    api(`/v1/subjects/timeline?${new URLSearchParams({ tenant: 'acme', ...query }).toString()}`);
  const itemsOf = (answer: Answer): PersonEvent[] => answer.json.items as PersonEvent[];
  const told = (items: readonly PersonEvent[]): string[] =>
    items.map(({ type, moved }) => [type.split('.')[2], moved].filter(Boolean).join(' '));

  it('tells everything that the log knows, newest first, and no name', async () => {
    const user = await person('ann@acme.example');
    const [first, second] = [await group('Blue whales', user), await group('Grey whales', user)];
    await patch(`/Users/${user}`, { op: 'replace', path: 'title', value: 'captain' });
    await leave(first, user);
    await patch(`/Users/${user}`, { op: 'replace', path: 'userName', value: 'anna@acme.example' });
    await scim('DELETE', `/Groups/${second}`);
    await patch(`/Users/${user}`, { op: 'replace', path: 'active', value: false });
    await ingress.project();
    const answer = await look({ userName: 'Anna@acme.example' });
    expect(answer.status).toBe(200);
    const items = itemsOf(answer);
    expect(told(items)).toEqual([
      ...['requested', 'removed left', 'identifiers-changed', 'members-changed left', 'updated'],
      ...['created joined', 'created joined', 'registered'],
    ]);
    for (const item of items) expect(item).toMatchObject({ actor: 'hr', connection: 'hr', connector: null });
    expect(items.map(item => item.group)).toEqual([null, second, null, first, null, second, first, null]);
    expect(items.map(item => item.optOut !== null)).toEqual([
      true,
      ...Array.from({ length: 7 }, () => false),
    ]);
    expect(answer.text).not.toMatch(/ann|captain|whales/i);
    expect((await look({ subject: String(answer.json.subject) })).text).toBe(answer.text);
  });

  it.each([1, 2, 3])(
    'is met once on a walk through pages of %i, though events share an instant',
    async limit => {
      const user = await person(`walker.${limit}@acme.example`);
      for (let i = 0; i < 3; i += 1) await leave(await group(`walk ${limit} ${i}`, user), user);
      await ingress.project();
      const [row] = itemsOf(await look({ userName: `walker.${limit}@acme.example` }));
      await ingress.db.owner.query(
        'update rm_group_move set time = $1 where event_id <> $2 and subject = $3',
        [row?.at, row?.id, (await look({ userName: `walker.${limit}@acme.example` })).json.subject],
      );
      const whole = itemsOf(await look({ userName: `walker.${limit}@acme.example` }));
      expect(whole).toHaveLength(7);
      const met: PersonEvent[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Answer = await look({
          ...{ userName: `walker.${limit}@acme.example`, limit: String(limit) },
          ...(cursor && { cursor }),
        });
        expect(itemsOf(page).length).toBeLessThanOrEqual(limit);
        met.push(...itemsOf(page));
        cursor = page.json.next as string | null;
      }
      expect(met).toEqual(whole);
    },
  );

  it('shows in an opt-out what groups its person left while it was open, and not before or after', async () => {
    const user = await person('leaver@acme.example');
    const [before, meanwhile, after] = [
      await group('before', user),
      await group('meanwhile', user),
      await group('after', user),
    ];
    await leave(before, user);
    await patch(`/Users/${user}`, { op: 'replace', path: 'active', value: false });
    await leave(meanwhile, user);
    await ingress.project();
    const { json } = await look({ userName: 'leaver@acme.example' });
    const optOutId =
      itemsOf(await look({ userName: 'leaver@acme.example' })).find(e => e.optOut)?.optOut ?? '';
    const timeline = async () =>
      (await api(`/v1/opt-outs/${optOutId}`)).json.timeline as Partial<PersonEvent>[];
    const open = [
      { type: 'sever.optout.requested.v1' },
      { type: 'sever.group.members-changed.v1', actor: 'hr', group: meanwhile, moved: 'left' },
    ];
    expect(await timeline()).toMatchObject(open);
    await close(String(json.subject), optOutId);
    await leave(after, user);
    await ingress.project();
    expect(await timeline()).toMatchObject([...open, { type: 'sever.optout.closed.v1' }]);
    expect(told(itemsOf(await look({ userName: 'leaver@acme.example' }))).slice(0, 2)).toEqual([
      'members-changed left',
      'closed',
    ]);
  });

  async function close(subject: string, optOutId: string): Promise<void> {
    const now = new Date();
    const event = makeEvent({
      ...{ type: 'sever.optout.closed.v1', id: randomUUID(), source: '/coordinator' },
      ...{ tenant: 'acme', subject, time: now, optOutId },
      data: {
        actor: { kind: 'coordinator', id: 'coordinator' },
        target: { kind: 'subject', id: subject },
        ...{ closedAt: now.toISOString(), outcome: 'cut-only' },
      },
    });
    const writer = createPostgresEventLogWriter(ingress.db.owner);
    await ingress.db.owner.transaction(em => writer.append(em, [toRecord(event)]));
    // The next event has a later time of its own.
    while (Date.now() <= now.getTime()) await new Promise(resolve => setImmediate(resolve));
  }

  it.each([
    [{ userName: 'nobody@acme.example' }, 404, 'subject.unknown'],
    [{ subject: 'nobody' }, 404, 'subject.unknown'],
    [{ userName: 'ann@acme.example', tenant: 'globex' }, 404, 'subject.unknown'],
    [{ userName: 'ann@acme.example', tenant: 'acmee' }, 404, 'tenant.unknown'],
    [{}, 400, 'request.invalid'],
    [{ userName: 'a', subject: 'b' }, 400, 'request.invalid'],
    [{ userName: 'a', tenant: '' }, 400, 'request.invalid'],
    [{ userName: 'a', limit: '0' }, 400, 'request.invalid'],
    [{ userName: 'a', cursor: 'made-up' }, 400, 'request.invalid'],
    [
      { userName: 'a', cursor: Buffer.from('["2026-99-01T00:00:00.000Z","x"]').toString('base64url') },
      400,
      'request.invalid',
    ],
  ])('is refused for %j', async (query, status, code) => {
    const answer = await look(query as Record<string, string>);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });

  it('belongs to callers of the REST door, and to one tenant', async () => {
    const { json } = await look({ userName: 'anna@acme.example' });
    expect((await ingress.ask('GET', '/v1/subjects/timeline?tenant=acme&userName=a', { token })).status).toBe(
      401,
    );
    const other = await look({ subject: String(json.subject), tenant: 'globex' });
    expect(other.status).toBe(404);
  });
});
