import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, eventually, sql } from '../harness/clients.js';
import { inState, makePerson, optOutsOf, register, type Person } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
type Send = (url: string, token: string, person: Person, id: string) => Promise<number>;

const patch =
  (operations: readonly object[]): Send =>
  async (url, token, _person, id) =>
    (await call('PATCH', `${url}/Users/${id}`, token, { schemas: [PATCH], Operations: operations })).status;

/** How identity providers say "remove this person". */
const DOORS: [name: string, connection: string, send: Send][] = [
  [
    'PATCH with the string "False", as Entra sends it',
    'entra',
    patch([{ op: 'Replace', path: 'active', value: 'False' }]),
  ],
  ['path-less PATCH, as Okta sends it', 'okta', patch([{ op: 'replace', value: { active: false } }])],
  [
    'PUT of the whole resource, as Okta sends it',
    'okta',
    async (url, token, person, id) =>
      (
        await call('PUT', `${url}/Users/${id}`, token, {
          schemas: [USER],
          id,
          userName: person.userName,
          externalId: `ext-${person.userName}`,
          active: false,
          groups: [],
          meta: { resourceType: 'User' },
        })
      ).status,
  ],
  [
    'DELETE',
    'strict',
    async (url, token, _person, id) => (await call('DELETE', `${url}/Users/${id}`, token)).status,
  ],
];

export type OptOutRun = {
  /** Options of `sever up` besides the hold. */
  options?: readonly string[];
  /** Begins to do harm once the pipeline runs. @returns ends it; rejects when it was not done */
  disturb?: (pipeline: Pipeline) => () => Promise<void>;
  /** How long each step may take at most, in milliseconds. */
  patienceMs?: number;
};

/** Declares what must come true of every opt-out, through whatever door and on whatever log. */
export function describeOptOuts(
  title: string,
  { options = [], disturb, patienceMs = 60_000 }: OptOutRun = {},
): void {
  describe(title, () => optOuts(options, disturb, patienceMs));
}

function optOuts(options: readonly string[], disturb: OptOutRun['disturb'], patienceMs: number): void {
  let pipeline: Pipeline;
  let calm: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    pipeline = await startPipeline(['--hold', '2s', ...options]);
    calm = disturb?.(pipeline);
  }, 180_000);
  afterAll(async () => {
    try {
      await calm?.();
    } finally {
      await pipeline?.dispose();
    }
  }, 300_000);

  const soon = (what: string, probe: () => Promise<boolean>): Promise<boolean> =>
    eventually(what, probe, patienceMs);
  const reaches = (person: Person, states: readonly string[]): ReturnType<typeof inState> =>
    inState(pipeline, person.userName, states, patienceMs);

  async function expectCut(person: Person): Promise<void> {
    await soon('the database session dies', async () => !person.session.alive());
    await soon('the login fails', async () => !(await person.login()));
    await soon('the SCIM user is inactive', async () => (await person.scimUser()).body.active === false);
    await soon(
      'the memberships are gone',
      async () => !(await person.hasRole()) && !(await person.isMember()),
    );
  }

  async function expectPurged(person: Person): Promise<void> {
    expect(await person.roleExists()).toBe(false);
    expect((await person.scimUser()).status).toBe(404);
    expect(await person.tableOwner()).toBe(pipeline.postgresTarget().heir);
  }

  it.each(DOORS)('through %s', async (_name, connection, send) => {
    const person = await makePerson(pipeline, 'leaver');
    const id = await register(pipeline, connection, person.userName);
    const { baseUrl, token } = pipeline.connection(connection);
    expect([200, 204]).toContain(await send(baseUrl, token, person, id));
    await expectCut(person);
    const closed = await reaches(person, ['closed']);
    await expectPurged(person);
    expect(closed.needsAttention).toBe(false);
    expect(closed.connectors.map(c => [c.connector, c.state])).toEqual([
      ['postgres', 'purged'],
      ['scim', 'purged'],
    ]);
    const steps = closed.connectors.flatMap(c => c.steps.map(s => s.state));
    expect(steps.filter(state => state !== 'verified' && state !== 'waived')).toEqual([]);
  });

  it('through the REST door, once per idempotency key', async () => {
    const person = await makePerson(pipeline, 'rest');
    await register(pipeline, 'entra', person.userName);
    const { baseUrl, token } = pipeline.ready.api;
    const body = { tenant: 'acme', userName: person.userName.toUpperCase(), reason: 'asked to be removed' };
    const first = await call('POST', `${baseUrl}/v1/opt-outs`, token, body, {
      'idempotency-key': person.userName,
    });
    const again = await call('POST', `${baseUrl}/v1/opt-outs`, token, body, {
      'idempotency-key': person.userName,
    });
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.body.id).toBe(first.body.id);
    expect(
      (await call('GET', new URL(first.headers.get('location') ?? '', baseUrl).toString(), token)).body.id,
    ).toBe(first.body.id);
    await expectCut(person);
    await reaches(person, ['closed']);
    await expectPurged(person);
    expect(await optOutsOf(pipeline, person.userName)).toHaveLength(1);
    const asked = await call(
      'GET',
      `${baseUrl}/v1/subjects/opted-out?tenant=acme&userName=${encodeURIComponent(person.userName)}`,
      token,
    );
    expect(asked.body.optedOut).toBe(true);
  });

  it('that is taken back before the purge gives back exactly what was stripped', async () => {
    const long = await call('POST', `${pipeline.ready.api.baseUrl}/v1/opt-outs`, pipeline.ready.api.token, {
      tenant: 'acme',
      userName: 'nobody.at.all@acme.example',
    });
    expect([long.status, long.body.code]).toEqual([404, 'subject.unknown']);
    const person = await makePerson(pipeline, 'returner');
    const id = await register(pipeline, 'entra', person.userName);
    const { baseUrl, token } = pipeline.connection('entra');
    const set = (value: string): Promise<number> =>
      patch([{ op: 'Replace', path: 'active', value }])(baseUrl, token, person, id);
    expect(await set('False')).toBe(204);
    await reaches(person, ['cut', 'held']);
    expect(await person.login()).toBe(false);
    expect(await set('True')).toBe(204);
    await reaches(person, ['restored']);
    expect(await person.login()).toBe(true);
    expect(await person.hasRole()).toBe(true);
    expect(await person.isMember()).toBe(true);
    expect((await person.scimUser()).body.active).toBe(true);
    expect(person.session.alive()).toBe(false);
  });

  it('leaves a log that rebuilds to the same digest, and can be tailed and counted', async () => {
    const verified = await sever(pipeline, ['replay', 'verify', '--json']);
    expect(verified.status).toBe(0);
    const report = JSON.parse(verified.stdout) as {
      events: number;
      equal: boolean;
      liveDigest: string;
      replayDigest: string;
    };
    expect(report.equal).toBe(true);
    expect(report.liveDigest).toBe(report.replayDigest);
    expect(report.events).toBeGreaterThan(50);
    const incomplete = await sql(
      pipeline.ready.databaseUrl,
      `select type from (select topic, type, convert_from(value, 'UTF8')::jsonb as e from log_record) r
        where not (e ?& array['id', 'time', 'traceparent'] and e -> 'data' ?& array['actor', 'target'])
           or (topic = 'outcomes' and e ->> 'subject' <> '-' and not e ? 'causationid')`,
    );
    expect(incomplete).toEqual([]);
    const connectors = JSON.parse((await sever(pipeline, ['connectors', '--json'])).stdout) as {
      connector: string;
      breaker: string;
    }[];
    expect(connectors.map(c => c.connector).sort()).toEqual(['postgres', 'scim', 'scim-globex']);
  });
}
