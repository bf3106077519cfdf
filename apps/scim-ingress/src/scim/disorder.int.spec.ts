import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SeverEvent } from '@sever/event-contracts';
import { rows } from '@sever/postgres';
import { connectDialects, type DialectConnections } from '../testing/dialect-connections.js';

const API = 'urn:ietf:params:scim:api:messages:2.0';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
/** Another order of the same kind of requests; the run is the same for the same number. */
const SEED = Number(process.env['SCIM_DISORDER_SEED'] ?? 11);
const REQUESTS = 1_000;
const CLIENTS = 6;
const PEOPLE = 6;
const DOORS = ['lenient', 'okta'] as const;

type Door = (typeof DOORS)[number];
type Wish = 'disable' | 'enable' | 'delete';
/** One request of the crowd; `known` is the share of the versions so far that its client has seen, with a condition on it. */
type Command = {
  door: Door;
  person: number;
  wish: Wish;
  shape: 'path' | 'pathless' | 'put' | 'bulk';
  known: number | null;
};

const command = fc.record<Command>({
  door: fc.constantFrom(...DOORS),
  person: fc.nat(PEOPLE - 1),
  wish: fc.constantFrom<Wish>('disable', 'enable'),
  shape: fc.constantFrom('path', 'pathless', 'put', 'bulk'),
  known: fc.oneof(
    { weight: 5, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  ),
});

/** Requests with their repetitions, some at once and some late; people with an odd number are deleted along the way. */
function planned(): Command[] {
  const wishes = fc.sample(command, { numRuns: REQUESTS / 2, seed: SEED });
  const lateness = fc.sample(fc.nat(REQUESTS), { numRuns: REQUESTS, seed: SEED + 1 });
  const repeated = [...wishes, ...wishes].map((wish, i) => ({ wish, at: (i % (REQUESTS / 2)) * 2 }));
  const plan = repeated
    .map(({ wish, at }, i) => ({ wish, at: i < REQUESTS / 2 ? at : at + (lateness[i] ?? 0) / 10 }))
    .sort((a, b) => a.at - b.at)
    .map(({ wish }) => wish);
  // Deleted somewhere in the middle, and again: what comes later is old.
  const middle = fc.integer({ min: REQUESTS * 0.3, max: REQUESTS * 0.6 });
  for (const [i, place] of fc.sample(middle, { numRuns: 24, seed: SEED + 2 }).entries()) {
    const before = plan[place];
    if (before) plan[place] = { ...before, wish: 'delete', person: (i % 3) * 2 + 1 };
  }
  return plan;
}

type Resource = { door: Door; id: string; userName: string; versions: Set<number>; isDeleted: boolean };
type Said = { status: number; etag: string | null };

/** What the requests so far have made of one person, told by the log in its order. */
class Model {
  private readonly active = new Map<string, boolean>(DOORS.map(door => [door, true]));
  private readonly removed = new Set<string>();
  private asks: Set<string> | undefined;

  /** The event that a change of a connection must have left. */
  after(door: string, operation: string): string {
    if (this.removed.has(door)) return 'nothing: it was deleted';
    const wasActive = this.active.get(door);
    if (operation === 'activate' ? wasActive : operation === 'deactivate' && !wasActive)
      return 'nothing: it was so before';
    this.active.set(door, operation === 'activate');
    if (operation === 'delete') this.removed.add(door);
    return operation === 'activate' ? this.withdrawn(door) : this.asked(door);
  }

  get isOptedOut(): boolean {
    return this.asks !== undefined;
  }

  /** Whether a connection still shows the person as active; undefined when it has none. */
  shows(door: string): boolean | undefined {
    return this.removed.has(door) ? undefined : this.active.get(door);
  }

  private asked(door: string): string {
    const opened = this.asks === undefined;
    this.asks = new Set([...(this.asks ?? []), door]);
    return opened ? 'sever.optout.requested.v1' : 'sever.optout.repeated.v1';
  }

  private withdrawn(door: string): string {
    this.asks?.delete(door);
    if ((this.asks?.size ?? 0) > 0) return 'sever.optout.restore-refused.v1';
    this.asks = undefined;
    return 'sever.optout.restore-requested.v1';
  }
}

describe('a crowd of repeated, late and mixed-up requests', () => {
  let doors: DialectConnections;
  const people: Record<Door, Resource>[] = [];
  const statuses = new Map<number, number>();

  beforeAll(async () => {
    doors = await connectDialects();
    for (let n = 0; n < PEOPLE; n += 1) {
      const userName = `crowd.${n}@x.example`;
      const made = new Map<Door, Resource>();
      for (const door of DOORS) {
        const { body } = await doors.send(door, 'POST', '/Users', { schemas: [USER], userName });
        made.set(door, { door, id: String(body.id), userName, versions: new Set([1]), isDeleted: false });
      }
      people.push(Object.fromEntries(made) as Record<Door, Resource>);
    }
    const waiting = planned();
    expect(waiting).toHaveLength(REQUESTS);
    const client = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await carryOut(next);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }, 300_000);
  afterAll(() => doors?.stop());

  const of = (person: number, door: Door): Resource => (people[person] as Record<Door, Resource>)[door];

  async function carryOut({ door, person, wish, shape, known }: Command): Promise<void> {
    const resource = of(person, door);
    const wasDeleted = resource.isDeleted;
    const seen = [...resource.versions].sort((a, b) => a - b);
    const version = known === null ? undefined : `W/"${seen[Math.floor(known * (seen.length - 1))] ?? 1}"`;
    const said =
      shape === 'bulk' ? await inBulk(resource, wish, version) : await alone(resource, wish, shape, version);
    statuses.set(said.status, (statuses.get(said.status) ?? 0) + 1);
    // Whatever was asked after a DELETE was answered: there is nobody any more.
    if (wasDeleted) expect([wish, said.status]).toEqual([wish, 404]);
    expect([200, 204, 404, ...(version ? [412] : [])]).toContain(said.status);
    if (said.status >= 300) return;
    if (wish === 'delete') resource.isDeleted = true;
    else resource.versions.add(Number(/^W\/"(\d+)"$/.exec(said.etag ?? '')?.[1]));
  }

  async function alone(
    { door, id, userName }: Resource,
    wish: Wish,
    shape: Command['shape'],
    version?: string,
  ): Promise<Said> {
    const headers: Record<string, string> = version === undefined ? {} : { 'if-match': version };
    const method = wish === 'delete' ? 'DELETE' : shape === 'put' ? 'PUT' : 'PATCH';
    const body = wish === 'delete' ? undefined : bodyOf(userName, wish, shape);
    const answer = await doors.send(door, method, `/Users/${id}`, body, headers);
    return { status: answer.status, etag: answer.headers.get('etag') };
  }

  async function inBulk({ door, id, userName }: Resource, wish: Wish, version?: string): Promise<Said> {
    const data = wish === 'delete' ? undefined : bodyOf(userName, wish, 'path');
    const one = { method: wish === 'delete' ? 'DELETE' : 'PATCH', path: `/Users/${id}`, version, data };
    const { body } = await doors.send(door, 'POST', '/Bulk', {
      schemas: [`${API}:BulkRequest`],
      Operations: [one],
    });
    const [done] = body.Operations as { status: string; version?: string }[];
    return { status: Number(done?.status), etag: done?.version ?? null };
  }

  function bodyOf(userName: string, wish: Wish, shape: Command['shape']): object {
    const active = wish === 'enable';
    if (shape === 'put') return { schemas: [USER], userName, active };
    const said =
      shape === 'path' ? { path: 'active', value: active ? 'True' : 'False' } : { value: { active } };
    return { schemas: [`${API}:PatchOp`], Operations: [{ op: 'Replace', ...said }] };
  }

  async function subjectOf({ id }: Resource): Promise<string> {
    const found = await rows<{ subject: string }>(
      doors.db.owner,
      'select subject from scim_resource where id = $1',
      [id],
    );
    return String(found[0]?.subject);
  }

  const doorOf = (event: SeverEvent): { connection: string; operation: string; resource: string } =>
    (event.data as unknown as { door: { connection: string; operation: string; resource: string } }).door;

  it('was a crowd: much was accepted, much came too late', () => {
    expect([...statuses.keys()].sort((a, b) => a - b)).toEqual([200, 204, 404, 412]);
    expect(statuses.get(200)).toBeGreaterThan(REQUESTS / 20);
    expect(statuses.get(404)).toBeGreaterThan(REQUESTS / 20);
    expect(people.filter((_, n) => DOORS.some(door => of(n, door).isDeleted)).length).toBeGreaterThan(1);
  });

  it('has one outcome for each person, which the log tells in its order', async () => {
    for (const [n, person] of people.entries()) {
      const subject = await subjectOf(person.lenient);
      const told = (await doors.eventsOf(subject)).slice(DOORS.length);
      const model = new Model();
      const expected = told.map(event => model.after(doorOf(event).connection, doorOf(event).operation));
      expect(told.map(({ type }) => type)).toEqual(expected);

      for (const door of DOORS) {
        const { id, versions, isDeleted } = of(n, door);
        // Each accepted change has made one version, and one event has told of it.
        const changes = told.filter(e => doorOf(e).resource === id && doorOf(e).operation !== 'delete');
        const all = Array.from({ length: changes.length + 1 }, (_, i) => i + 1);
        expect([...versions].sort((a, b) => a - b)).toEqual(all);
        const now = await doors.send(door, 'GET', `/Users/${id}`);
        expect(now.status === 404 ? undefined : now.body.active).toBe(model.shows(door));
        expect(now.status === 404).toBe(isDeleted);
      }
      const standing = await rows(
        doors.db.owner,
        `select 1 from standing_opt_out where subject = $1 and phase = 'open'`,
        [subject],
      );
      expect(standing.length === 1).toBe(model.isOptedOut);
    }
  });

  it('raises nobody who was deleted, however late and often it is asked', async () => {
    const deleted = people.flatMap((_, n) => DOORS.map(door => of(n, door)).filter(r => r.isDeleted));
    expect(deleted.length).toBeGreaterThan(0);
    for (const resource of deleted) {
      const subject = await subjectOf(resource);
      const before = (await doors.eventsOf(subject)).length;
      for (const shape of ['path', 'pathless', 'put', 'bulk'] as const)
        for (const wish of ['enable', 'delete'] as const) {
          const said = shape === 'bulk' ? await inBulk(resource, wish) : await alone(resource, wish, shape);
          expect([wish, shape, said.status]).toEqual([wish, shape, 404]);
        }
      expect((await doors.eventsOf(subject)).length).toBe(before);
    }
  });
});
