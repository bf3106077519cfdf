import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Fault } from '@sever/connector-sdk/testing';
import { call, eventually } from '../harness/clients.js';
import { gateBefore, type FaultGate } from '../harness/fault-gate.js';
import { inState, makePerson, optOutsOf, register, type OptOut, type Person } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

jest.setTimeout(240_000);

/** How the SCIM target misbehaves. */
const FAULTS: [name: string, fault: Fault][] = [
  ['rejects the credential', { name: 'unauthorized' }],
  ['shows a login page with status 200', { name: 'login-page' }],
  ['limits the rate and says for how long', { name: 'rate-limited', header: ['retry-after', '5'] }],
  ['answers 500', { name: 'server-error' }],
  ['no longer answers', { name: 'hang' }],
];

describe('a SCIM target that', () => {
  let pipeline: Pipeline;
  let gate: FaultGate;
  beforeAll(async () => {
    pipeline = await startPipeline(['--hold', '10m']);
    gate = await gateBefore(pipeline, 'scim');
  });
  afterEach(() => gate.clear());
  afterAll(async () => {
    await gate?.close();
    await pipeline?.dispose();
  });

  async function optOut(person: Person): Promise<void> {
    const id = await register(pipeline, 'entra', person.userName);
    const { baseUrl, token } = pipeline.connection('entra');
    const reply = await call('PATCH', `${baseUrl}/Users/${id}`, token, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'Replace', path: 'active', value: 'False' }],
    });
    expect(reply.status).toBe(204);
  }

  const connectorOf = (seen: OptOut | undefined, name: string) =>
    seen?.connectors.find(c => c.connector === name);

  async function breaker(): Promise<string | undefined> {
    const { stdout } = await sever(pipeline, ['connectors', '--json']);
    const all = JSON.parse(stdout) as { connector: string; breaker: string }[];
    return all.find(c => c.connector === 'scim')?.breaker;
  }

  it.each(FAULTS)('%s delays only itself, and is cut once it is well again', async (_name, fault) => {
    const person = await makePerson(pipeline, 'faulty');
    const injected = await gate.inject(fault);
    await optOut(person);
    // The other system does not wait.
    await eventually('the database session dies', async () => !person.session.alive(), 20_000);
    await eventually('the login fails', async () => !(await person.login()), 20_000);
    await eventually('the fault is met', async () => injected.fired() > 0);
    const states = new Set<string>();
    await eventually(
      'the SCIM side is retrying, or its breaker open',
      async () => {
        const [seen] = await optOutsOf(pipeline, person.userName);
        const state = connectorOf(seen, 'scim')?.state;
        if (state !== undefined) states.add(state);
        return state === 'retrying' || (await breaker()) === 'open';
      },
      40_000,
    );
    const during = await eventually(
      'the other system is reported cut',
      async () => {
        const [seen] = await optOutsOf(pipeline, person.userName);
        states.add(connectorOf(seen, 'scim')?.state ?? 'missing');
        return connectorOf(seen, 'postgres')?.state === 'cut' ? seen : undefined;
      },
      20_000,
    );
    expect(during.state).toBe('cutting');
    // Never gone, never done, while nothing was seen.
    expect([...states].filter(state => !['pending', 'cutting', 'retrying'].includes(state))).toEqual([]);
    expect((await person.scimUser()).body.active).toBe(true);
    await injected.clear();
    const after = await inState(pipeline, person.userName, ['cut', 'held']);
    expect(connectorOf(after, 'scim')?.state).toBe('cut');
    expect((await person.scimUser()).body.active).toBe(false);
    expect(await person.isMember()).toBe(false);
    expect(after.needsAttention).toBe(false);
    const told = after.timeline.map(entry => entry.type);
    expect(told).not.toContain('sever.account.not-found.v1');
    await eventually('the breaker is closed', async () => (await breaker()) === 'closed');
  });
});
