import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addConnectionToken, countRefusals } from '@sever/directory';
import { readLoggedEvent } from '@sever/event-contracts';
import { eventually } from '@sever/event-log/testing';
import { rows } from '@sever/postgres';
import { startIngress, type Answer, type RunningIngress } from '../../testing/running-ingress.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const [CREATED, ADDED, REMOVED, RETIRED] = [
  'created',
  'credential-added',
  'credential-removed',
  'retired',
].map(fact => `sever.connection.${fact}.v1`);

describe('connections', () => {
  let ingress: RunningIngress;
  beforeAll(async () => {
    ingress = await startIngress();
  });
  afterAll(() => ingress?.close());

  const users = (connection: string, token: string, path = ''): Promise<Answer> =>
    ingress.ask('GET', `/scim/v2/${connection}/Users${path}`, { token });
  const register = async (connection: string, token: string, userName: string): Promise<string> => {
    const body = { schemas: [USER], userName, active: true };
    const made = await ingress.ask('POST', `/scim/v2/${connection}/Users`, { token, body });
    expect(made.status).toBe(201);
    return String(made.json.id);
  };
  const refused = (connection: string, token: string): Promise<unknown> =>
    eventually('the token is refused', async () => (await users(connection, token)).status === 401);

  describe('a rotation', () => {
    it('lets the former token live beside the new one', async () => {
      const { token } = await ingress.connect('rotated');
      const made = await ingress.operate('POST', '/rotated/rotate', {});
      expect(made.status).toBe(201);
      expect([
        (await users('rotated', token)).status,
        (await users('rotated', String(made.json.token))).status,
      ]).toEqual([200, 200]);
      const hours = (Date.parse(String(made.json.formerTokensUntil)) - Date.now()) / 3_600_000;
      expect(Math.round(hours)).toBe(24);
    });

    it('ends the former token within seconds when it must', async () => {
      const { token } = await ingress.connect('leaked');
      expect((await users('leaked', token)).status).toBe(200);
      const made = await ingress.operate('POST', '/leaked/rotate', { now: true });
      expect(made.json.formerTokensUntil).toBeNull();
      await refused('leaked', token);
      expect((await users('leaked', String(made.json.token))).status).toBe(200);
    });

    it('makes tokens that end, and a process that believed one stops in time', async () => {
      await ingress.connect('short');
      const made = await ingress.operate('POST', '/short/rotate', { expiresIn: '2s' });
      expect((await users('short', String(made.json.token))).status).toBe(200);
      await sleep(Date.parse(String(made.json.expiresAt)) - Date.now() + 50);
      expect((await users('short', String(made.json.token))).status).toBe(401);
    });

    it.each([
      [{ now: true, overlap: '1h' }, 400, 'request.invalid'],
      [{ overlap: 'soon' }, 400, 'request.invalid'],
    ])('is refused with %j', async (body, status, code) => {
      const answer = await ingress.operate('POST', '/rotated/rotate', body);
      expect([answer.status, answer.json.code]).toEqual([status, code]);
    });

    it('is refused for a connection that does not exist', async () => {
      const answer = await ingress.operate('POST', '/nobody/rotate', {});
      expect([answer.status, answer.json.code]).toEqual([404, 'connection.unknown']);
    });
  });

  describe('the list', () => {
    it('tells what opens a connection, and no secret', async () => {
      const { token } = await ingress.connect('listed', 'listing');
      await users('listed', token);
      const list = () => ingress.operate('GET', '?tenant=listing');
      const first = (answer: Answer) =>
        (answer.json.items as { id: string; tokens: { lastUsedAt: string | null }[] }[])[0];
      await eventually('its last use is noted', async () =>
        Boolean(first(await list())?.tokens[0]?.lastUsedAt),
      );
      const seen = await list();
      expect(first(seen)).toMatchObject({ id: 'listed', retiredAt: null, clients: [], issuers: [] });
      expect(seen.text).not.toContain(token);
    });
  });

  describe('a retirement', () => {
    it('ends everything that opened the connection, which stays in history', async () => {
      const { token } = await ingress.connect('quiet');
      const answer = await ingress.operate('POST', '/quiet/retire', { reason: 'the provider moved' });
      expect([answer.status, answer.json.people]).toEqual([200, 'nobody']);
      await refused('quiet', token);
      const { json } = await ingress.operate('GET', '/quiet');
      expect(json).toMatchObject({ id: 'quiet', tokens: [], retiredReason: 'the provider moved' });
      expect((await ingress.operate('POST', '/quiet/rotate', {})).json.code).toBe('connection.retired');
    });

    it('needs a decision for people who are active through it', async () => {
      const { token } = await ingress.connect('busy');
      await register('busy', token, 'a@busy.example');
      const gone = await register('busy', token, 'b@busy.example');
      await ingress.ask('DELETE', `/scim/v2/busy/Users/${gone}`, { token });
      const answer = await ingress.operate('POST', '/busy/retire', { reason: 'r' });
      expect([answer.status, answer.json.code]).toEqual([409, 'connection.people-active']);
      expect(answer.json.detail).toContain('1 people');
      expect((await users('busy', token)).status).toBe(200);
      const { json } = await ingress.operate('GET', '/busy/people');
      expect(json).toMatchObject({
        items: [{ userName: 'a@busy.example', otherConnections: 0 }],
        next: null,
      });
      const kept = await ingress.operate('POST', '/busy/retire', { reason: 'r', people: 'keep' });
      expect(kept.json).toMatchObject({ people: 'keep', activePeople: 1 });
    });

    it('may go from keeping to opting out, says the same when it is asked again, and never goes back', async () => {
      const { token } = await ingress.connect('step');
      await register('step', token, 'a@step.example');
      const retire = (reason: string, people?: string) =>
        ingress.operate('POST', '/step/retire', { reason, ...(people && { people }) });
      const kept = await retire('first', 'keep');
      expect((await retire('again', 'keep')).text).toBe(kept.text);
      expect((await retire('second', 'opt-out')).json).toMatchObject({
        people: 'opt-out',
        reason: 'second',
        retiredAt: kept.json.retiredAt,
      });
      expect((await retire('third', 'keep')).json.code).toBe('connection.decided');
    });

    it('meets everybody on a walk through pages', async () => {
      const { token } = await ingress.connect('paged');
      const names = Array.from({ length: 7 }, (_, i) => `p${i}@paged.example`);
      for (const name of names) await register('paged', token, name);
      const met: string[] = [];
      for (let cursor = ''; ;) {
        const { json } = await ingress.operate('GET', `/paged/people?limit=3${cursor}`);
        met.push(...(json.items as { userName: string }[]).map(p => p.userName));
        if (json.next === null) break;
        cursor = `&cursor=${String(json.next)}`;
      }
      expect(met.sort()).toEqual(names);
    });
  });

  describe('what it sent that was refused', () => {
    const refusalsOf = async (connection: string) =>
      (await ingress.operate('GET', `/${connection}/refusals`)).json.items as Record<string, unknown>[];
    const patch = (token: string, user: string, value: unknown) =>
      ingress.ask('PATCH', `/scim/v2/talker/Users/${user}`, {
        token,
        body: { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'active', value }] },
      });

    it('is counted by its form, and nothing of what was in it is kept', async () => {
      const { token } = await ingress.connect('talker');
      const user = await register('talker', token, 'somebody@talker.example');
      for (const value of ['leaver-4711', 'leaver-4712', 'leaver-4713'])
        expect((await patch(token, user, value)).status).toBe(400);
      expect((await patch(token, user, ['leaver-4714'])).status).toBe(400);
      const broken = { token, body: '{"userName": leaver-4715' };
      expect((await ingress.ask('POST', '/scim/v2/talker/Users', broken)).status).toBe(400);
      await eventually('the counts are stored', async () => (await refusalsOf('talker')).length === 3);
      const found = await refusalsOf('talker');
      const operation = (value: unknown) => ({
        schemas: [PATCH_OP],
        Operations: [{ op: 'replace', path: 'active', value }],
      });
      const of = { resource: 'Users', firstSeen: expect.any(String), lastSeen: expect.any(String) };
      expect(found).toEqual(
        expect.arrayContaining([
          { ...of, method: 'PATCH', code: 'scim.invalidValue', shape: operation('string'), requests: 3 },
          { ...of, method: 'PATCH', code: 'scim.invalidValue', shape: operation(['string']), requests: 1 },
          { ...of, method: 'POST', code: 'scim.invalidSyntax', shape: 'no JSON that is taken', requests: 1 },
        ]),
      );
      expect(JSON.stringify(found)).not.toMatch(/leaver|talker\.example/);
      const { text } = await ingress.ask('GET', '/metrics');
      expect(text).toMatch(
        /sever_scim_requests_refused_total\{[^}]*dialect="strict",code="scim.invalidValue"[^}]*\} 4/,
      );
    });

    it('has an end: one that sends a new form each time fills nothing', async () => {
      await ingress.connect('inventor');
      const forms = Array.from({ length: 300 }, (_, i) => ({
        ...{
          connection: 'inventor',
          method: 'POST',
          resource: 'Users',
          code: 'scim.invalidValue',
          requests: 1,
        },
        shape: JSON.stringify({ [`a${i}`]: 'string' }),
      }));
      for (const form of forms) await countRefusals(ingress.db.owner, [form]);
      expect(await refusalsOf('inventor')).toHaveLength(200);
      await countRefusals(ingress.db.owner, forms.slice(0, 1));
      expect((await refusalsOf('inventor'))[0]?.requests).toBe(2);
    });

    it('is not told of a connection that does not exist', async () => {
      const answer = await ingress.operate('GET', '/nobody/refusals');
      expect([answer.status, answer.json.code]).toEqual([404, 'connection.unknown']);
    });
  });

  describe('the log', () => {
    const told = async (connection: string) => {
      const found = await rows<{ value: Buffer }>(
        ingress.db.owner,
        `select value from log_record where topic = 'requests' and type like 'sever.connection.%' order by partition, "offset"`,
      );
      return found
        .map(({ value }) => readLoggedEvent(value))
        .filter(({ data }) => 'connection' in data && data.connection === connection);
    };

    it('tells the life of a connection, who decided it, and no secret', async () => {
      const made = await ingress.operate('POST', '', { tenant: 'acme', dialect: 'strict', id: 'alive' });
      const secrets = [String(made.json.token)];
      const rotated = await ingress.operate('POST', '/alive/rotate', { overlap: '1h', expiresIn: '90d' });
      const client = await ingress.operate('POST', '/alive/clients', {});
      secrets.push(String(rotated.json.token), String(client.json.clientSecret));
      const clientId = String(client.json.clientId);
      const issuer = 'https://issuer.example/';
      const trust = {
        issuer,
        audiences: ['a'],
        claims: { sub: 's' },
        jwksUrl: 'https://issuer.example/keys',
      };
      await ingress.operate('PUT', '/alive/issuers', trust);
      await ingress.operate('DELETE', `/alive/issuers?issuer=${encodeURIComponent(issuer)}`);
      await ingress.operate('DELETE', `/alive/clients/${clientId}`);
      const retire = () => ingress.operate('POST', '/alive/retire', { reason: 'told to nobody' });
      await retire();
      await retire();
      const events = await told('alive');
      const lasting = { expiresAt: null, formerUntil: null };
      const { expiresAt, formerTokensUntil: formerUntil } = rotated.json;
      expect(events.map(({ type, data }) => [type, data])).toMatchObject([
        [CREATED, { connection: 'alive', dialect: 'strict', instances: [] }],
        [ADDED, { connection: 'alive', credential: 'token', id: expect.any(String), ...lasting }],
        [ADDED, { connection: 'alive', credential: 'token', id: expect.any(String), expiresAt, formerUntil }],
        [ADDED, { connection: 'alive', credential: 'client', id: clientId, ...lasting }],
        [ADDED, { connection: 'alive', credential: 'issuer', id: issuer, ...lasting }],
        [REMOVED, { connection: 'alive', credential: 'issuer', id: issuer }],
        [REMOVED, { connection: 'alive', credential: 'client', id: clientId }],
        [RETIRED, { connection: 'alive', people: 'nobody', activePeople: 0 }],
      ]);
      for (const { data } of events)
        expect(data).toMatchObject({
          actor: { kind: 'operator', id: 'operator' },
          target: { kind: 'connection', id: 'alive' },
        });
      const text = JSON.stringify(events);
      for (const secret of [...secrets, 'told to nobody']) expect(text).not.toContain(secret);
    });

    it('says nothing of what was refused', async () => {
      await ingress.connect('untold');
      const before = (await told('untold')).length;
      await ingress.operate('DELETE', '/untold/clients/nobody');
      await ingress.operate('DELETE', '/untold/issuers?issuer=nobody');
      await ingress.operate('POST', '/untold/rotate', { overlap: 'soon' });
      await ingress.operate('POST', '', { tenant: 'acme', dialect: 'strict', id: 'untold' });
      expect(await told('untold')).toHaveLength(before);
    });
  });

  describe('isolation', () => {
    let mine: string;
    let revoked: string;
    let theirs: string;
    beforeAll(async () => {
      mine = (await ingress.connect('mine')).token;
      theirs = (await ingress.connect('theirs', 'globex')).token;
      const { token } = await ingress.connect('former');
      revoked = token;
      await ingress.operate('POST', '/former/retire', { reason: 'r' });
      await addConnectionToken(ingress.db.owner, 'mine', { token: 'sev_expired', expiresInSeconds: 0 });
    });

    /** What an outsider can see: everything but the time, and what the database is asked. */
    const seenFrom = async (connection: string, token: string | undefined) => {
      let answer: Answer | undefined;
      const statements = await ingress.statementsOf(async () => {
        answer = await ingress.ask('GET', `/scim/v2/${connection}/Users`, {
          ...(token !== undefined && { token }),
        });
      });
      const headers = [...(answer?.headers ?? [])].filter(([name]) => name !== 'date');
      return { status: answer?.status, text: answer?.text, headers, statements };
    };

    it('answers every wrong pair of token and connection alike, after the same statements', async () => {
      const unknown = await seenFrom('mine', 'sev_nobody');
      expect([unknown.status, unknown.statements.length]).toEqual([401, 1]);
      const pairs: [string, string][] = [
        ['nowhere', 'sev_nobody'],
        ['theirs', 'sev_nobody'],
        ['former', 'sev_nobody'],
        ['theirs', mine],
        ['mine', 'sev_expired'],
        ['former', revoked],
        ['mine', revoked],
      ];
      for (const [connection, token] of pairs) expect(await seenFrom(connection, token)).toEqual(unknown);
      // A caller who has a token learns from it nothing about a connection of others: known or not, the answer is the same.
      expect(await seenFrom('nowhere', mine)).toEqual(await seenFrom('theirs', mine));
      expect((await seenFrom('mine', undefined)).text).toBe(unknown.text);
    });

    it('answers JWTs alike, whether the connection exists, trusts an issuer, or neither', async () => {
      await ingress.connect('trusting');
      await ingress.operate('PUT', '/trusting/issuers', {
        issuer: 'https://i.example/',
        audiences: ['a'],
        claims: { sub: 's' },
        jwksUrl: 'https://i.example/keys',
      });
      const jwt = (payload: object): string =>
        [{ alg: 'RS256' }, payload].map(p => Buffer.from(JSON.stringify(p)).toString('base64url')).join('.') +
        '.AAAA';
      const guess = jwt({ iss: 'https://i.example/', aud: 'a', sub: 'guess' });
      const nowhere = await seenFrom('nowhere', guess);
      expect([nowhere.status, nowhere.statements.length]).toEqual([401, 1]);
      for (const connection of ['mine', 'theirs', 'former', 'trusting'])
        expect(await seenFrom(connection, guess)).toEqual(nowhere);
      expect(await seenFrom('trusting', 'eyJub3Q.and.so')).toEqual(nowhere);
    });

    it('answers for a person of another connection as for nobody', async () => {
      const id = await register('theirs', theirs, 'hidden@globex.example');
      await users('mine', mine);
      const look = async (target: string) => {
        let answer: Answer | undefined;
        const statements = await ingress.statementsOf(async () => {
          answer = await users('mine', mine, `/${target}`);
        });
        // Who opens the connection is the same in both; when it was looked up last is a matter of seconds.
        const asked = statements.filter(statement => !statement.includes('connection_token'));
        return { status: answer?.status, text: answer?.text.replaceAll(target, 'ID'), asked };
      };
      const nobody = await look(randomUUID());
      expect([nobody.status, nobody.asked.length]).toEqual([404, 1]);
      expect(await look(id)).toEqual(nobody);
    });
  });

  it('beyond the rate of the connection it answers 429 and says how long to wait; others go on', async () => {
    const limited = await ingress.connect('limited', 'acme', 1);
    const free = await ingress.connect('free');
    const answers = [];
    for (let i = 0; i < 8; i += 1) answers.push(await users('limited', limited.token));
    const waiting = answers.filter(a => a.status === 429);
    expect(waiting.length).toBeGreaterThan(0);
    expect(waiting[0]?.headers.get('retry-after')).toBe('1');
    expect(waiting[0]?.headers.get('content-type')).toContain('application/scim+json');
    expect(waiting[0]?.json).toMatchObject({ status: '429' });
    expect((await users('free', free.token)).status).toBe(200);
  });
});
