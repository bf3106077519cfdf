import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { call, eventually, sql, type Reply } from '../harness/clients.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

jest.setTimeout(180_000);

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';

describe('groups on a running pipeline', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline(['--hold', '2s']);
  });
  afterAll(() => pipeline?.dispose());

  const send = (dialect: string, method: string, path: string, body?: object): Promise<Reply> => {
    const { baseUrl, token } = pipeline.connection(dialect);
    return call(method, `${baseUrl}${path}`, token, body);
  };
  const patch = (dialect: string, path: string, ...operations: object[]): Promise<Reply> =>
    send(dialect, 'PATCH', path, { schemas: [PATCH], Operations: operations });
  const person = async (dialect: string, userName: string): Promise<string> =>
    String((await send(dialect, 'POST', '/Users', { schemas: [USER], userName })).body.id);
  const audited = (group: string): Promise<{ type: string; data: string }[]> =>
    sql(
      pipeline.ready.databaseUrl,
      `select type, convert_from(value, 'UTF8')::json ->> 'data' as data from audit_event where subject = $1 order by log_offset`,
      [group],
    );

  it.each(['entra', 'okta', 'strict'])(
    'tell the audit of a %s connection who lost an entitlement, and are equal to their replay',
    async dialect => {
      const user = await person(dialect, `member.${dialect}@acme.example`);
      const [known] = await sql<{ subject: string }>(
        pipeline.ready.databaseUrl,
        'select subject from scim_resource where id = $1',
        [user],
      );
      const made = await send(dialect, 'POST', '/Groups', {
        schemas: [GROUP],
        displayName: `Blue whales of ${dialect}`,
        members: [{ value: user }],
      });
      const group = String(made.body.id);
      const remove = { op: 'remove', path: `members[value eq "${user}"]` };
      expect((await patch(dialect, `/Groups/${group}`, remove)).status).toBe(dialect === 'entra' ? 204 : 200);
      expect((await send(dialect, 'DELETE', `/Groups/${group}`)).status).toBe(204);
      const events = await eventually('the audit tells it', async () => {
        const found = await audited(group);
        return found.length === 3 && found;
      });
      expect(events.map(({ type }) => type)).toEqual([
        'sever.group.created.v1',
        'sever.group.members-changed.v1',
        'sever.group.removed.v1',
      ]);
      expect(JSON.parse(events[1]?.data ?? '{}')).toMatchObject({
        actor: { kind: 'connection', id: dialect },
        target: { kind: 'resource', id: group },
        removed: { count: 1, subjects: [known?.subject] },
      });
      expect(JSON.stringify(events)).not.toContain('whales');
    },
  );

  it('are in the timeline of everybody who was in them', async () => {
    const user = await person('strict', 'timeline@acme.example');
    const made = await send('strict', 'POST', '/Groups', {
      schemas: [GROUP],
      displayName: 'Timeline',
      members: [{ value: user }],
    });
    const group = String(made.body.id);
    expect((await send('strict', 'DELETE', `/Groups/${group}`)).status).toBe(204);
    const ask = (name: string, ...flags: string[]) =>
      sever(pipeline, ['person', '--tenant', 'acme', '--user', name, ...flags]);
    const shown = await eventually('the projector has read it', async () => {
      const run = await ask('timeline@acme.example', '--json');
      const found = JSON.parse(run.stdout) as { items: object[] };
      return found.items.length === 3 && found;
    });
    expect(shown.items).toMatchObject([
      { type: 'sever.group.removed.v1', group, moved: 'left', connection: 'strict' },
      { type: 'sever.group.created.v1', group, moved: 'joined' },
      { type: 'sever.subject.registered.v1', group: null, moved: null },
    ]);
    const table = await ask('timeline@acme.example');
    expect([table.status, table.stderr]).toEqual([0, '']);
    // No terminal looks: no colours, also where CI is set.
    expect(table.stdout).toMatch(/left a group +│ strict +│ strict +│ group /);
    const nobody = await ask('nobody@acme.example', '--json');
    expect([nobody.status, nobody.stdout]).toEqual([1, '']);
    expect(nobody.stderr).toContain('subject.unknown');
    expect((await sever(pipeline, ['person', '--tenant', 'acme'])).status).toBe(2);
  });

  it('J1: are made and removed by an activation probe without anybody being opted out', async () => {
    const user = await person('lenient', 'probe@acme.example');
    const { body } = await send('lenient', 'POST', '/Groups', { schemas: [GROUP], displayName: 'probe' });
    const group = `/Groups/${String(body.id)}`;
    expect((await patch('lenient', group, { op: 'add', path: 'members', value: [user] })).status).toBe(200);
    expect((await send('lenient', 'DELETE', group)).status).toBe(204);
    expect(
      await sql(pipeline.ready.databaseUrl, 'select 1 from standing_opt_out where tenant = $1', ['acme']),
    ).toEqual([]);
  });

  it('leave every process at work, and the replay equal', async () => {
    const verified = await eventually('the replay is equal', async () => {
      const run = await sever(pipeline, ['replay', 'verify', '--json']);
      return run.status === 0 && run;
    });
    expect(JSON.parse(verified.stdout)).toMatchObject({ equal: true });
    // A person who leaves afterwards is still cut and closed: no reader stopped at what it does not use.
    const user = await person('strict', 'last@acme.example');
    await send('strict', 'DELETE', `/Users/${user}`);
    await eventually('the last one is closed', async () => {
      const [found] = await sql<{ phase: string }>(
        pipeline.ready.databaseUrl,
        `select o.phase from rm_opt_out o join scim_resource r on r.subject = o.subject where r.id = $1`,
        [user],
      );
      return found?.phase === 'closed';
    });
  });
});
