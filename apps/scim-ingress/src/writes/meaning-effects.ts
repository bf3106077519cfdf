import { randomUUID } from 'node:crypto';
import {
  boundTargets,
  endStagedStandings,
  openStanding,
  setAskers,
  setPhase,
  setRehired,
  type NewStanding,
  type Standing,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import type { EntityManager } from 'typeorm';
import type { Governor, Ruling } from '../governor/governor.js';
import { sameAsker, type Meaning, type StandingMeaning } from '../meaning/request-meaning.js';
import type { EventDraft, Identifiers } from './event-drafts.js';

/** The resource through which a connection spoke. */
export type Spoken = {
  connection: string;
  resource: string;
  identifiers: Identifiers;
  active: boolean;
  removed: boolean;
  attributes: string[];
};

/**
 * Carries out what a request means: the standing opt-out changes in this transaction, and the one event that tells it is built.
 */
export async function carryOut(
  em: EntityManager,
  governor: Governor,
  meaning: Meaning,
  standing: Standing | undefined,
  draft: EventDraft,
  said: Spoken,
): Promise<SeverEvent | undefined> {
  const at = { connection: said.connection, resource: said.resource };
  switch (meaning.kind) {
    case 'nothing':
      return undefined;
    case 'registered':
      return draft.onResource('sever.subject.registered.v1', at, said.identifiers, said.active);
    case 'linked':
      return draft.onResource('sever.subject.linked.v1', at, said.identifiers, said.active);
    case 'identifiersChanged':
      return draft.identifiersChanged(at, said.identifiers, said.attributes);
    case 'updated':
      return draft.updated(at, said.attributes);
    case 'resourceRemoved':
      return draft.resourceRemoved(at);
    case 'requested':
      return requestOptOut(em, draft, said, await governor.ruleIn(em, draft.request));
    default:
      return onStanding(em, meaning, required(standing), draft, said);
  }
}

/** Opens an opt-out for the draft's subject, as the governor ruled. */
export async function requestOptOut(
  em: EntityManager,
  draft: EventDraft,
  said: Pick<Spoken, 'identifiers' | 'removed'>,
  ruling: Ruling,
): Promise<SeverEvent> {
  const opens = newStanding(draft, ruling);
  await openStanding(em, opens);
  const targets = await boundTargets(em, opens.tenant);
  return draft.optOutRequested(opens.optOutId, said.identifiers, said.removed, targets, ruling.guard);
}

/** The opt-out that a draft's event is to tell. */
export function newStanding(draft: EventDraft, { guard, countsFor }: Ruling): NewStanding {
  const { tenant, subject, asker } = draft.request;
  return {
    ...{ optOutId: randomUUID(), tenant, subject, requestEvent: draft.id, askers: [asker] },
    ...{ staged: guard !== undefined, countsFor },
  };
}

async function onStanding(
  em: EntityManager,
  meaning: StandingMeaning,
  standing: Standing,
  draft: EventDraft,
  said: Spoken,
): Promise<SeverEvent> {
  const { asker } = draft.request;
  const others = standing.askers.filter(a => !sameAsker(a, asker));
  switch (meaning.kind) {
    case 'repeated':
      await setAskers(em, standing.optOutId, [...others, asker]);
      return draft.onOptOut('sever.optout.repeated.v1', standing.optOutId, {
        asker,
        resourceRemoved: said.removed,
      });
    case 'restoreRequested':
      await setAskers(em, standing.optOutId, others);
      await takeBack(em, standing);
      return draft.onOptOut('sever.optout.restore-requested.v1', standing.optOutId, {
        asker,
        overridesAskers: false,
      });
    case 'rehired':
      await setRehired(em, standing.optOutId);
      return draft.onOptOut('sever.optout.rehired-after-purge.v1', standing.optOutId, {
        connection: said.connection,
        resource: said.resource,
      });
    case 'restoreRefused':
      if (meaning.withdrawn) await setAskers(em, standing.optOutId, others);
      return draft.onOptOut('sever.optout.restore-refused.v1', standing.optOutId, {
        asker,
        cause: meaning.cause,
        withdrawn: meaning.withdrawn,
      });
  }
}

/** Where the governor still holds everything there is nothing to give back. */
export async function takeBack(em: EntityManager, { optOutId, staged }: Standing): Promise<void> {
  if (staged) await endStagedStandings(em, [optOutId]);
  else await setPhase(em, optOutId, 'restoring');
}

function required(standing: Standing | undefined): Standing {
  if (!standing) throw new Error('a meaning that needs a standing opt-out was decided without one');
  return standing;
}
