import { FIELD_PATHS, type SeverEvent } from '@sever/event-contracts';
import { oneRow } from '@sever/postgres';
import type { Identifiers, InstanceContext, Work } from './engine/work-context.js';
import type { WorkItem } from './store/work-item-store.js';

/** Asks for the cut, and says by what the person is known. */
type CutCommand = SeverEvent<'sever.optout.requested.v1' | 'sever.optout.approved.v1'>;
type Command =
  | CutCommand
  | SeverEvent<
      | 'sever.optout.purge-started.v1'
      | 'sever.optout.restore-started.v1'
      | 'sever.optout.reverification-requested.v1'
    >;

const STAGES = {
  'sever.optout.requested.v1': 'cut',
  'sever.optout.approved.v1': 'cut',
  'sever.optout.purge-started.v1': 'purge',
  'sever.optout.restore-started.v1': 'restore',
  'sever.optout.reverification-requested.v1': 'reverify',
} as const;

/** An event that asks connectors for work. */
export const isCommand = (event: SeverEvent): event is Command => Object.hasOwn(STAGES, event.type);

export const stageOf = (event: Command): (typeof STAGES)[Command['type']] => STAGES[event.type];

const asksForCut = (event: Command): event is CutCommand => stageOf(event) === 'cut';

/** Whether the event addresses this instance. */
export function addresses(event: Command, instance: string): boolean {
  if (asksForCut(event)) return event.data.instances.some(i => i.instance === instance);
  return event.data.instances.includes(instance);
}

/** The work that a stored item asks for. */
export function workOf(c: InstanceContext, item: WorkItem, event: Command): Work {
  return {
    requestEvent: item.requestEvent,
    optOutId: item.optOutId,
    tenant: event.tenant,
    subject: event.subject,
    stage: item.stage,
    tries: item.tries,
    run: item.runs,
    hasPast: hasPast(item),
    waived: new Set(item.waived),
    deadline: deadlineOf(event),
    traceparent: event.traceparent,
    identifiers: () => identifiersOf(c, event),
  };
}

/** Whether this instance may have dealt with the person, or with this very work, before. */
export const hasPast = (item: WorkItem): boolean => item.runs > 1 || item.isFirstOfKey !== true;

const PURGE_DEADLINE_MS = 3_600_000;

function deadlineOf(event: Command): Date {
  const after = asksForCut(event) ? event.data.cutDeadlineSeconds * 1_000 : PURGE_DEADLINE_MS;
  return new Date(Date.parse(event.time) + after);
}

/** The person's identifiers as they were when the cut was asked for. */
async function identifiersOf(c: InstanceContext, event: Command): Promise<Identifiers | undefined> {
  const asked = asksForCut(event) ? event : await cutCommandOf(c, event);
  if (!asked) return undefined;
  const field = {
    tenant: event.tenant,
    subject: event.subject,
    eventId: asked.id,
    path: FIELD_PATHS.identifiers,
  };
  const opened = await c.keys.open(c.dataSource, field, asked.data.identifiers);
  if (opened.shredded) return undefined;
  return JSON.parse(opened.text) as Identifiers;
}

async function cutCommandOf(c: InstanceContext, event: Command): Promise<CutCommand | undefined> {
  const row = await oneRow<{ event: Buffer }>(
    c.dataSource,
    `select event from work_item where instance = $1 and opt_out_id = $2 and stage = 'cut' order by seq limit 1`,
    [c.instance, event.optoutid],
  );
  return row && (JSON.parse(row.event.toString('utf8')) as CutCommand);
}
