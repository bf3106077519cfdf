import { Injectable } from '@nestjs/common';
import { eventsOfSubject, type SubjectEvent } from '@sever/audit-store';
import { requireTenant, subjectById, subjectByUserName, type Subject } from '@sever/directory';
import { readLoggedEvent } from '@sever/event-contracts';
import { groupMovesOf, type GroupMove, type PersonEvent } from '@sever/read-models';
import { normaliseUserName } from '@sever/scim';
import { HttpProblem } from '../../http-problem.js';
import { IngressContext } from '../../ingress-context.js';

export type PersonTimeline = { tenant: string; subject: string; items: PersonEvent[]; next: string | null };

/** Whose timeline: `named` is a user name or the opaque id of a subject. */
export type NamedPerson = { tenant: string; named: { userName: string } | { subject: string } };

type Place = { at: string; id: string };

/** What the log knows about one person, as the projector has read it. */
@Injectable()
export class PersonTimelines {
  constructor(private readonly context: IngressContext) {}

  /**
   * A page, newest first; `next` continues after its last item.
   * @throws DirectoryError `tenant.unknown`; HttpProblem 404 `subject.unknown`, 400 `request.invalid` for a cursor that is not from here
   */
  async page(person: NamedPerson, limit: number, cursor: string | undefined): Promise<PersonTimeline> {
    const behind = cursor === undefined ? undefined : placeOf(cursor);
    const { tenant, id: subject } = await this.find(person);
    const { dataSource } = this.context;
    // Both lists have the same order: the next entries of the person are among the next ones of each.
    const page = { limit: limit + 1, behind };
    const [events, moves] = await Promise.all([
      eventsOfSubject(dataSource, { tenant, subject }, page),
      groupMovesOf(dataSource, { tenant, subject }, page),
    ]);
    const found = [...events.map(eventEntry), ...moves.map(moveEntry)].sort(newestFirst);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { tenant, subject, items, next: found.length > limit && last ? cursorAt(last) : null };
  }

  private async find({ tenant, named }: NamedPerson): Promise<Subject> {
    const { dataSource } = this.context;
    const found =
      'subject' in named
        ? await subjectById(dataSource, tenant, named.subject.toLowerCase())
        : await subjectByUserName(dataSource, tenant, normaliseUserName(named.userName));
    if (!found) await requireTenant(dataSource, tenant);
    if (!found) throw new HttpProblem(404, 'subject.unknown', 'no such person in this tenant');
    return found;
  }
}

function eventEntry({ value, ...event }: SubjectEvent): PersonEvent {
  return { ...event, connection: connectionOf(value), group: null, moved: null };
}

const moveEntry = (move: GroupMove): PersonEvent => ({ ...move, connector: null, optOut: null });

/** The connection that an event names itself, or the one of the door through which it came. */
function connectionOf(value: Buffer): string | null {
  const { data } = readLoggedEvent(value);
  if ('connection' in data && typeof data.connection === 'string') return data.connection;
  return 'door' in data ? (data.door.connection ?? null) : null;
}

/** By instant, then by id: `at` is always UTC with milliseconds, so that texts compare as what they mean. */
function newestFirst(a: Place, b: Place): number {
  if (a.at !== b.at) return a.at < b.at ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}

const cursorAt = ({ at, id }: Place): string => Buffer.from(JSON.stringify([at, id])).toString('base64url');

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function placeOf(cursor: string): Place {
  const [at, id] = partsOf(cursor);
  if (typeof at === 'string' && INSTANT.test(at) && !Number.isNaN(Date.parse(at)))
    if (typeof id === 'string' && UUID.test(id)) return { at, id };
  throw new HttpProblem(400, 'request.invalid', 'cursor must come from the page before');
}

function partsOf(cursor: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}
