import {
  askRebind,
  findByExternalId,
  findByUserName,
  lockUserName,
  rebindDecisionOn,
  rebindPolicyOf,
  releasedName,
  settleRebind,
  updateResource,
  type Connection,
  type RebindQuestion,
  type StoredResource,
} from '@sever/directory';
import { ScimError, normaliseUserName, type JsonObject } from '@sever/scim';
import type { EntityManager } from 'typeorm';
import type { IngressContext } from '../ingress-context.js';
import { arrivalOf } from '../meaning/arrival.js';
import { externalIdOf } from './user-request.js';

export const uniqueness = (): ScimError =>
  new ScimError(409, 'another user of this connection has this userName', 'uniqueness');

/** Whether a namesake is the same person is for an operator; nothing was changed. */
export class UndecidedArrival extends Error {
  override readonly name = 'UndecidedArrival';
  constructor(readonly question: RebindQuestion) {
    super('whether an inactive namesake is the same person is not decided');
  }
}

/**
 * Finds out who a POST brings, with everybody locked whom it could be. A namesake who is somebody else gives the name away.
 * @returns the user who comes back, or undefined for somebody new
 * @throws ScimError 409 when the name belongs to somebody active
 * @throws UndecidedArrival
 */
export async function arriving(
  em: EntityManager,
  connection: Connection,
  attributes: JsonObject,
): Promise<StoredResource | undefined> {
  const userNameNorm = normaliseUserName(String(attributes.userName));
  const externalId = externalIdOf(attributes);
  await lockUserName(em, connection.tenant, userNameNorm);
  const namesake = await findByUserName(em, connection.id, userNameNorm);
  if (namesake?.active) throw uniqueness();
  const sharers = externalId === null ? [] : await findByExternalId(em, connection.id, externalId);
  if (!namesake && sharers.length === 0) return undefined;
  const policy = await rebindPolicyOf(em, connection.id);
  const question = namesake && { connection: connection.id, resource: namesake.id, userNameNorm, externalId };
  const decision = question && policy === 'manual' ? await rebindDecisionOn(em, question) : undefined;
  const arrival = arrivalOf({ active: attributes.active === true, namesake, sharers, policy, decision });
  if (arrival.kind === 'taken') throw uniqueness();
  if (arrival.kind === 'undecided') throw new UndecidedArrival(question!);
  if (decision) await settleRebind(em, question!);
  if (arrival.releases && namesake)
    await updateResource(em, { ...namesake, userNameNorm: releasedName(namesake) });
  return arrival.kind === 'returns'
    ? [...sharers, ...(namesake ? [namesake] : [])].find(known => known.id === arrival.id)
    : undefined;
}

/** Writes the question down for an operator. @returns what the client is told meanwhile */
export async function leaveToOperator(
  context: IngressContext,
  { question }: UndecidedArrival,
): Promise<ScimError> {
  const isNew = await askRebind(context.dataSource, question);
  const { connection, resource } = question;
  if (isNew)
    context.logger.warn(
      { connection, resource },
      'somebody is to be created under the name of somebody inactive: decide with sever connection rebinds',
    );
  return new ScimError(
    409,
    'an inactive user of this connection has this userName; an operator must say whether it is the same person',
    'uniqueness',
  );
}
