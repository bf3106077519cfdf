import { FIELD_PATHS, type EncryptedField } from '@sever/event-contracts';
import {
  optOutStatus,
  type GrantedWaiver,
  type OutcomeState,
  type RequestState,
  type StepStatus,
} from '@sever/opt-out';
import type { IngressContext } from '../../ingress-context.js';
import type { OptOutEntry } from './opt-out-timelines.js';

/** An opt-out as the REST door shows it. */
export type OptOutResource = {
  id: string;
  tenant: string;
  subject: string;
  userName: string | null;
  state: string;
  needsAttention: boolean;
  attention: {
    code: string;
    connector: string | null;
    step: string | null;
    nextAction: string;
    since: string;
  }[];
  source: { via: string; connection: string | null; actor: string };
  reason: string | null;
  requestedAt: string;
  cutAt: string | null;
  purgeAfter: string | null;
  closedAt: string | null;
  nothingBound: boolean;
  legalHold: boolean;
  connectors: object[];
  timeline: OptOutEntry[];
};

export type OptOutParts = {
  request: RequestState;
  outcomes: ReadonlyMap<string, OutcomeState>;
  timeline: OptOutEntry[];
};

/** Assembles the resource; personal fields are opened here and are null once the person's key is destroyed. */
export async function optOutResource(
  context: IngressContext,
  { request, outcomes, timeline }: OptOutParts,
): Promise<OptOutResource> {
  const status = optOutStatus(request, outcomes, new Date());
  const open = opener(context, request);
  const identifiers = await open(request.identifiers, request.requestEvent, FIELD_PATHS.identifiers);
  return {
    id: request.optOutId,
    tenant: request.tenant,
    subject: request.subject,
    userName: identifiers === null ? null : userNameOf(identifiers),
    state: status.state,
    needsAttention: status.needsAttention,
    attention: request.attention.map(({ instance, ...rest }) => ({ ...rest, connector: instance })),
    source: { via: request.door.via, connection: request.door.connection ?? null, actor: request.actor.id },
    reason: request.reason && (await open(request.reason, request.requestEvent, FIELD_PATHS.reason)),
    requestedAt: request.requestedAt,
    cutAt: request.cutAt,
    purgeAfter: request.purgeAfter,
    closedAt: request.closedAt,
    nothingBound: request.instances.length === 0,
    legalHold: request.legalHold,
    connectors: await Promise.all(
      status.connectors.map(async c => ({
        ...c,
        steps: await Promise.all(c.steps.map(step => stepResource(step, open))),
      })),
    ),
    timeline,
  };
}

type Open = (field: EncryptedField, eventId: string, path: string) => Promise<string | null>;

function opener(context: IngressContext, request: RequestState): Open {
  return async (field, eventId, path) => {
    const { tenant, subject } = request;
    const opened = await context.keys.open(context.dataSource, { tenant, subject, eventId, path }, field);
    return opened.shredded ? null : opened.text;
  };
}

async function stepResource({ waiver, ...step }: StepStatus, open: Open): Promise<object> {
  return waiver ? { ...step, waiver: await waiverResource(waiver, open) } : step;
}

async function waiverResource(waiver: GrantedWaiver, open: Open): Promise<object> {
  const reason = waiver.reason && (await open(waiver.reason, waiver.reasonAt.eventId, waiver.reasonAt.path));
  return { owner: waiver.owner, reason, expiresAt: waiver.expiresAt };
}

function userNameOf(identifiers: string): string | null {
  const parsed: unknown = JSON.parse(identifiers);
  if (typeof parsed !== 'object' || parsed === null || !('userName' in parsed)) return null;
  return typeof parsed.userName === 'string' ? parsed.userName : null;
}
