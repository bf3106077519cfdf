import { call, sql } from '../../../harness/clients.js';
import type { Pipeline } from '../../../harness/pipeline.js';

/** Makes accounts in both targets. @returns the id of each person's SCIM user */
export async function makeAccounts(
  pipeline: Pipeline,
  userNames: readonly string[],
): Promise<Map<string, string>> {
  await sql(
    pipeline.postgresTarget().url,
    userNames.map(name => `create role "${name}" login password 'a-password-of-the-target';`).join('\n'),
  );
  const { baseUrl, token } = pipeline.scimTarget();
  const ids = new Map<string, string>();
  for (const userName of userNames) {
    const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
    const made = await call('POST', `${baseUrl}/Users`, token, { schemas, userName, active: true });
    if (made.status !== 201) throw new Error(`the SCIM target answered ${made.status}`);
    ids.set(userName, String(made.body.id));
  }
  return ids;
}
