import type { Fault, InjectedFault } from '@sever/connector-sdk/testing';
import { HttpFaultGate } from '@sever/connector-sdk/testing';
import { eventually, sql } from './clients.js';
import type { Pipeline } from './pipeline.js';

/** A gate between a connector instance and its HTTP target that misbehaves when told to. */
export type FaultGate = {
  inject(fault: Fault): Promise<InjectedFault>;
  /** Ends every fault. */
  clear(): Promise<void>;
  close(): Promise<void>;
};

const scimError = (status: number) => ({
  status,
  headers: { 'content-type': 'application/scim+json' },
  body: JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status) }),
});

/** Puts a gate in front of a SCIM instance's target and has its connector start anew, as an operator's change of settings would. */
export async function gateBefore(pipeline: Pipeline, instance: string): Promise<FaultGate> {
  const address = new URL(pipeline.scimTarget(instance).baseUrl);
  const gate = await HttpFaultGate.open({ target: address.origin, errorReply: scimError });
  await sql(
    pipeline.ready.databaseUrl,
    `update instance set settings = jsonb_set(settings, '{baseUrl}', to_jsonb($2::text)) where id = $1`,
    [instance, gate.origin + address.pathname],
  );
  const pidOf = (): number | undefined =>
    pipeline.current().processes.find(p => p.name === 'connector-scim')?.pid;
  const before = pidOf();
  if (before === undefined) throw new Error('connector-scim is not running');
  process.kill(before, 'SIGKILL');
  await eventually('the connector runs again', async () => pidOf() !== before, 60_000);
  return gate;
}
