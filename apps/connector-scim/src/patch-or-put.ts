import type { Call, ScimClient, WriteAnswer } from './client.js';

/** By PATCH, or by PUT of the whole resource where the service does not offer PATCH. */
export async function patchOrPut(
  client: ScimClient,
  patch: () => ReturnType<ScimClient['patch']>,
  put: () => Promise<WriteAnswer>,
  ctx: Call,
): Promise<WriteAnswer> {
  const config = await client.supportsPatch(ctx);
  if (config.kind !== 'Config') return config;
  if (!config.patch) return put();
  const answer = await patch();
  return answer.kind === 'NotOffered' ? put() : answer;
}
