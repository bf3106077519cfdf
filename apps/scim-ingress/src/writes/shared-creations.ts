import { failpoint } from '@sever/config';
import {
  insertNewcomers,
  subjectsOfInserted,
  tryLockUserNames,
  type InsertedResource,
  type NewResource,
  type StoredResource,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import { CHANGED, changeEachAndAppend } from '@sever/event-log-postgres';
import { SharedCalls } from '@sever/postgres';
import type { JsonObject } from '@sever/scim';
import { newSubjectKey, subjectKeysOf, type NewSubjectKey } from '@sever/subject-keys';
import type { EntityManager } from 'typeorm';
import type { IngressContext } from '../ingress-context.js';
import { EventDraft, type Encrypt } from './event-drafts.js';
import { isRefused } from './shared-changes.js';
import { identifiersOf, newResourceOf, requestOf, type Writer } from './user-request.js';

/** Somebody who may be new, with the key and the event of that. */
type Newcomer = { resource: NewResource; key: NewSubjectKey; event: SeverEvent };

const LIMITS = { atOnce: 1, together: 64 };

/**
 * Creates users whom nobody knows: those who come at the same time in one transaction. Who has the name or the `externalId` of anybody is not for
 * here: nothing is done then.
 */
export class SharedCreations {
  private readonly calls = new SharedCalls<Newcomer, StoredResource | undefined>(
    newcomers => this.carryOut(newcomers),
    LIMITS,
  );

  constructor(private readonly context: IngressContext) {}

  /** @returns the user, or undefined when it may be somebody who is known: nothing was done then */
  async create(writer: Writer, attributes: JsonObject): Promise<StoredResource | undefined> {
    const resource = newResourceOf(writer, attributes);
    const key = newSubjectKey(this.context.keyEncryption, resource.tenant, resource.subject);
    const encrypt: Encrypt = (field, text) => Promise.resolve(key.encrypt(field, text));
    const draft = new EventDraft(this.context, encrypt, requestOf(writer, resource, 'create'));
    const at = { connection: resource.connection, resource: resource.id };
    const event = await draft.onResource(
      'sever.subject.registered.v1',
      at,
      identifiersOf(resource),
      resource.active,
    );
    return this.calls.call({ resource, key, event });
  }

  private async carryOut(newcomers: readonly Newcomer[]): Promise<(StoredResource | undefined)[]> {
    try {
      const stored = await this.context.dataSource.transaction(em => this.store(em, newcomers));
      failpoint('append.after-commit');
      return newcomers.map(({ resource }) => stored.get(resource.id));
    } catch (error) {
      if (isRefused(error)) return newcomers.map(() => undefined);
      throw error;
    }
  }

  private async store(
    em: EntityManager,
    newcomers: readonly Newcomer[],
  ): Promise<Map<string, StoredResource>> {
    const held = await tryLockUserNames(
      em,
      newcomers.map(n => n.resource),
    );
    const going = withoutNamesakes(newcomers.filter((_, i) => held[i]));
    const people = going.map(n => n.resource);
    const made =
      going.length === 0
        ? []
        : await changeEachAndAppend<InsertedResource>(
            em,
            insertNewcomers(people),
            going.map(n => toRecord(n.event)),
            [
              subjectsOfInserted(CHANGED, people),
              subjectKeysOf(
                CHANGED,
                going.map(n => n.key),
              ),
            ],
          );
    return new Map(
      made.map(
        ({ n, ...rest }) =>
          [people[n]!.id, { ...people[n]!, ...rest, formerName: null, groups: null }] as const,
      ),
    );
  }
}

/** The first one of those who have the same name in a tenant or the same `externalId` in a connection. */
function withoutNamesakes(newcomers: readonly Newcomer[]): Newcomer[] {
  const taken = new Set<string>();
  return newcomers.filter(({ resource: r }) => {
    const claims = [
      JSON.stringify(['name', r.tenant, r.userNameNorm]),
      ...(r.externalId === null ? [] : [JSON.stringify(['id', r.connection, r.externalId])]),
    ];
    if (claims.some(claim => taken.has(claim))) return false;
    for (const claim of claims) taken.add(claim);
    return true;
  });
}
