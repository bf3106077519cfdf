import { randomBytes } from 'node:crypto';
import type { Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

export type FreshConnection = { id: string; tenant: string; baseUrl: string; token: string };

/** An empty connection in a tenant of its own, without a rate limit. */
export async function freshConnection(pipeline: Pipeline, dialect: string): Promise<FreshConnection> {
  const tenant = `conformance-${randomBytes(4).toString('hex')}`;
  const flags = ['--tenant', tenant, '--dialect', dialect, '--rate-limit', 'off', '--json'];
  const { status, stdout, stderr } = await sever(pipeline, ['connection', 'create', ...flags]);
  if (status !== 0) throw new Error(`no connection was made: ${stderr}`);
  return JSON.parse(stdout) as FreshConnection;
}
