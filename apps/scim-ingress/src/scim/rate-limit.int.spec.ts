import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { rows } from '@sever/postgres';
import { startIngress, type Answer, type RunningIngress } from '../testing/running-ingress.js';
import { scimCaller, type ScimCaller } from '../testing/scim-caller.js';

const API = 'urn:ietf:params:scim:api:messages:2.0';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
/** Requests per second that the connection may send; five times as many may come at once. */
const RATE = 10;
const BURST = RATE * 5;
/** Operations of one request, each of which takes one member in. */
const MEMBERS = 50;
const JOINING = 100;
const LEAVING = 25;
const CLIENTS = 8;

type Request = { path: string; body: object; members: string[] };

describe('a connection that sends faster than it may', () => {
  let ingress: RunningIngress;
  let ask: ScimCaller;
  let group: string;
  const people: string[] = [];
  const accepted: Request[] = [];
  const refused: { request: Request; answer: Answer }[] = [];

  /** As a client that waits as long as it is told to. */
  async function patiently(method: string, path: string, body?: unknown): Promise<Answer> {
    for (;;) {
      const answer = await ask(method, path, body);
      if (answer.status !== 429) return answer;
      await sleep(Number(answer.headers.get('retry-after')) * 1_000);
    }
  }

  const patch = (Operations: object[]): object => ({ schemas: [`${API}:PatchOp`], Operations });
  function joining(n: number): Request {
    const members = Array.from({ length: MEMBERS }, (_, i) => `member-${n}-${i}`);
    const operations = members.map(value => ({ op: 'add', path: 'members', value: [{ value }] }));
    return { path: `/Groups/${group}`, body: patch(operations), members };
  }
  const leaving = (id: string): Request => ({
    path: `/Users/${id}`,
    body: patch([{ op: 'replace', path: 'active', value: false }]),
    members: [],
  });

  /** Everything in one request: the bucket stays nearly full. */
  async function made(): Promise<void> {
    const names = Array.from({ length: LEAVING }, (_, n) => `busy.${n}@x.example`);
    const users = names.map(userName => ({ schemas: [`${CORE}:User`], userName, active: true }));
    const operations = [
      ...users.map((data, n) => ({ method: 'POST', path: '/Users', bulkId: `u${n}`, data })),
      {
        ...{ method: 'POST', path: '/Groups', bulkId: 'g' },
        data: { schemas: [`${CORE}:Group`], displayName: 'busy' },
      },
    ];
    const { json } = await ask('POST', '/Bulk', {
      schemas: [`${API}:BulkRequest`],
      Operations: operations,
    });
    const ids = (json.Operations as { location: string }[]).map(({ location }) =>
      String(location.split('/').at(-1)),
    );
    group = ids.pop() ?? '';
    people.push(...ids);
  }

  beforeAll(async () => {
    ingress = await startIngress();
    ask = scimCaller(ingress, 'busy', (await ingress.connect('busy', 'acme', RATE)).token);
    await made();
    // Who leaves comes in between, so that some of both are refused.
    const waiting = Array.from({ length: JOINING }, (_, n) => [
      joining(n),
      ...(n % (JOINING / LEAVING) === 0 ? [leaving(people[n / (JOINING / LEAVING)] ?? '')] : []),
    ]).flat();
    const client = async (): Promise<void> => {
      for (let request = waiting.shift(); request; request = waiting.shift()) {
        const answer = await ask('PATCH', request.path, request.body);
        if (answer.status < 300) accepted.push(request);
        else refused.push({ request, answer });
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }, 120_000);
  afterAll(() => ingress?.close());

  const membersNow = async (): Promise<string[]> => {
    const found = await rows<{ value: string }>(
      ingress.db.owner,
      'select value from scim_group_member where group_id = $1',
      [group],
    );
    return found.map(({ value }) => value).sort();
  };
  const inactiveNow = async (): Promise<string[]> => {
    const found = await rows<{ id: string }>(
      ingress.db.owner,
      'select id from scim_resource where not active',
    );
    return found.map(({ id }) => `/Users/${id}`).sort();
  };
  const eventsOf = async (type: string): Promise<number> =>
    (await rows(ingress.db.owner, 'select 1 from log_record where type = $1', [type])).length;
  const leavers = (requests: readonly Request[]): string[] =>
    requests
      .filter(({ members }) => members.length === 0)
      .map(({ path }) => path)
      .sort();
  const joined = (requests: readonly Request[]): string[] => requests.flatMap(r => r.members).sort();

  it('has a burst let in, and is told of the rest how long to wait', () => {
    expect(accepted.length).toBeGreaterThanOrEqual(BURST - 1);
    expect(leavers(refused.map(({ request }) => request)).length).toBeGreaterThan(0);
    for (const { answer } of refused) {
      expect(answer.status).toBe(429);
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect(answer.headers.get('content-type')).toBe('application/scim+json');
      expect(answer.json).toMatchObject({ schemas: [`${API}:Error`], status: '429' });
    }
  });

  it('has everything stored that was accepted, and nothing that was not', async () => {
    expect(await membersNow()).toEqual(joined(accepted));
    expect(await inactiveNow()).toEqual(leavers(accepted));
    expect(await eventsOf('sever.optout.requested.v1')).toBe(leavers(accepted).length);
    expect(await eventsOf('sever.group.members-changed.v1')).toBe(accepted.length - leavers(accepted).length);
  });

  it('loses nothing when it waits as it was told', async () => {
    for (const { request } of refused) {
      const answer = await patiently('PATCH', request.path, request.body);
      expect(answer.status).toBeLessThan(300);
    }
    const all = [...accepted, ...refused.map(({ request }) => request)];
    expect(await membersNow()).toEqual(joined(all));
    expect(await inactiveNow()).toEqual(people.map(id => `/Users/${id}`).sort());
    expect(await eventsOf('sever.optout.requested.v1')).toBe(LEAVING);
    expect(await eventsOf('sever.group.members-changed.v1')).toBe(JOINING);
  }, 120_000);
});
