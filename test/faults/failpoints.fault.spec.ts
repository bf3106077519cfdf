import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { call, eventually, sql } from '../harness/clients.js';
import { inState, makePerson, optOutsOf, register } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

jest.setTimeout(240_000);

/** Where a process kills itself with SIGKILL, and at which pass. */
const FAILPOINTS: [failpoint: string, between: string][] = [
  ['opt-out.before-commit:1', 'the append of an opt-out and its commit'],
  ['opt-out.after-commit:1', 'the commit of an opt-out and its answer'],
  ['connector.after-intent:2', 'the durable attempt and the call'],
  ['connector.after-call:2', 'the call and its outcome'],
  ['settle.before-commit:3', 'an outcome and its commit'],
  ['park.before-commit:1', 'the last outcome and the end of the work'],
  ['projector.mid-batch:3', 'read models and audit stream'],
  ['projector.before-commit:3', 'a projected batch and its commit'],
];

describe('a process killed between', () => {
  let pipeline: Pipeline | undefined;
  afterEach(async () => {
    await pipeline?.dispose();
    pipeline = undefined;
  });

  it.each(FAILPOINTS.map(([failpoint, between]) => [between, failpoint]))(
    '%s loses and doubles nothing (%s)',
    async (_between, failpoint) => {
      const running = await startPipeline(['--hold', '1s'], { env: { SEVER_FAILPOINT: failpoint } });
      pipeline = running;
      const person = await makePerson(running, 'killed');
      const id = await register(running, 'entra', person.userName);
      const { baseUrl, token } = running.connection('entra');
      const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
      // What was not answered is sent again, as identity providers do.
      await eventually(
        'an answer',
        async () => {
          const body = { schemas, Operations: [{ op: 'Replace', path: 'active', value: 'False' }] };
          return (await call('PATCH', `${baseUrl}/Users/${id}`, token, body)).status === 204;
        },
        60_000,
        200,
      );
      await eventually('the kill', () => Promise.resolve(running.log().includes('SIGKILL')));
      const closed = await inState(running, person.userName, ['closed'], 120_000);
      expect(await optOutsOf(running, person.userName)).toHaveLength(1);
      expect(closed.connectors.map(c => c.state)).toEqual(['purged', 'purged']);
      expect(await person.roleExists()).toBe(false);
      expect((await person.scimUser()).status).toBe(404);
      const requests = await sql(
        running.ready.databaseUrl,
        `select 1 from log_requests where type in ('sever.optout.requested.v1', 'sever.optout.repeated.v1') and headers ->> 'sever_optout' = $1`,
        [closed.id],
      );
      expect(requests).toHaveLength(1);
      const finished = await sql<{ connector: string; stage: string }>(
        running.ready.databaseUrl,
        `select connector, convert_from(value, 'UTF8')::jsonb -> 'data' ->> 'stage' as stage, count(*) from audit_event
        where opt_out_id = $1 and type = 'sever.connector.stage-finished.v1' group by 1, 2 having count(*) > 1`,
        [closed.id],
      );
      expect(finished).toEqual([]);
      const verified = JSON.parse((await sever(running, ['replay', 'verify', '--json'])).stdout) as {
        equal: boolean;
      };
      expect(verified.equal).toBe(true);
    },
  );
});
