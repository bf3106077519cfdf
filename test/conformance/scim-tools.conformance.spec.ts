import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import path from 'node:path';
import { call, eventually } from '../harness/clients.js';
import { makePerson, register } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { freshConnection, type FreshConnection } from './fresh-connection.js';
import { pythonTools, type PythonTools } from './python-tools.js';

jest.setTimeout(300_000);

describe('a tool that was not written here', () => {
  let pipeline: Pipeline;
  let tools: PythonTools;

  beforeAll(async () => {
    tools = await pythonTools();
    pipeline = await startPipeline(['--hold', 'never']);
  });
  afterAll(() => pipeline?.dispose());

  it.each(['strict', 'okta', 'lenient'])(
    'scim-sanity finds nothing on a fresh %s connection',
    async dialect => {
      const { baseUrl, token } = await freshConnection(pipeline, dialect);
      const flags = ['--strict', '--json-output', '--i-accept-side-effects'];
      const { stdout, stderr } = await tools.run('scim-sanity', [
        'probe',
        baseUrl,
        '--token',
        token,
        ...flags,
      ]);
      if (!stdout.startsWith('{')) throw new Error(`scim-sanity said: ${stdout}${stderr}`);
      const { summary, results } = JSON.parse(stdout) as SanityReport;
      expect(results.filter(({ status }) => !['pass', 'skip'].includes(status))).toEqual([]);
      expect(summary).toMatchObject({ failed: 0, errors: 0, warnings: 0 });
      expect(summary.passed).toBeGreaterThan(15);
    },
  );

  it.each(['strict', 'lenient'])('scim2-tester finds nothing on a fresh %s connection', async dialect => {
    const { baseUrl, token } = await freshConnection(pipeline, dialect);
    const { stdout, stderr } = await tools.run('scim2', ['--url', baseUrl, 'test'], {
      SCIM_CLI_HEADERS: `Authorization: Bearer ${token}`,
    });
    // Its exit status also counts what it skipped because the service does not offer it.
    const judged = stdout.split('\n').filter(line => /^[A-Z]+ [a-z]/.test(line));
    expect({ found: judged.filter(line => !/^(SUCCESS|SKIPPED) /.test(line)), stderr }).toEqual({
      found: [],
      stderr: '',
    });
    expect(judged.filter(line => line.startsWith('SUCCESS')).length).toBeGreaterThan(50);
  });

  it('scim2-client brings a person, changes them, and takes them away again', async () => {
    const connection = await freshConnection(pipeline, 'strict');
    const { status, stdout, stderr } = await tools.run(
      'python',
      [path.join(import.meta.dirname, 'leaver.py')],
      {
        SCIM_URL: connection.baseUrl,
        SCIM_TOKEN: connection.token,
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const said = JSON.parse(stdout) as { left: string; deleted: string };
    for (const userName of [said.left, said.deleted]) await isOptedOut(connection, userName);
  });

  it('PyJWT verifies how a request ended whose client did not wait, once every system has let go', async () => {
    const person = await makePerson(pipeline, 'later');
    const id = await register(pipeline, 'strict', person.userName);
    const { baseUrl, token } = pipeline.connection('strict');
    const issuer = new URL(baseUrl).origin;
    const { status, stdout, stderr } = await tools.run(
      'python',
      [path.join(import.meta.dirname, 'completion.py')],
      {
        ...{ SCIM_URL: baseUrl, SCIM_TOKEN: token, USER_ID: id },
        ...{ ISSUER: issuer, JWKS_URL: `${issuer}/.well-known/jwks.json` },
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(await person.login()).toBe(false);
    expect(person.session.alive()).toBe(false);
    const said = JSON.parse(stdout) as {
      txn: string;
      event: object;
      uri: string;
      left: object;
    };
    expect(said).toMatchObject({
      event: { method: 'PATCH', status: '200' },
      uri: `/Users/${id}`,
      left: { sets: {} },
    });
    const { api } = pipeline.ready;
    const optOut = await call('GET', `${api.baseUrl}/v1/opt-outs/${said.txn}`, api.token);
    expect(optOut.status).toBe(200);
    await person.session.close();
  });

  /** What the client asked for has become an opt-out of the tenant. */
  async function isOptedOut({ tenant }: FreshConnection, userName: string): Promise<void> {
    const { api } = pipeline.ready;
    await eventually(`the opt-out of ${userName}`, async () => {
      const query = new URLSearchParams({ tenant, userName });
      const found = await call('GET', `${api.baseUrl}/v1/opt-outs?${query.toString()}`, api.token);
      return ((found.body as { items?: unknown[] }).items ?? []).length === 1;
    });
  }
});

type SanityReport = {
  summary: { passed: number; failed: number; errors: number; warnings: number };
  results: { name: string; status: string; message: string }[];
};
