import { failpoint } from '@sever/config';
import {
  changeResources,
  standingOpenedBy,
  standingsOpenedBy,
  updateOfVersion,
  updateOfVersionBeforeOptOut,
  type ChangedResource,
  type ResourceChange,
  type StoredResource,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { EventLogError, toRecord } from '@sever/event-log';
import { CHANGED, changeEachAndAppend } from '@sever/event-log-postgres';
import { SharedCalls, databaseErrorCode, isDatabaseUnavailable } from '@sever/postgres';
import type { IngressContext } from '../ingress-context.js';
import { commitChange, wakeFor } from './commit.js';

/** A change of one resource and the event that tells it. */
export type ToldChange = ResourceChange & { event: SeverEvent };

/** While the database writes one group this process reads and prepares the next; larger groups would leave the one or the other idle in turn. */
const LIMITS = { atOnce: 2, together: 32 };

/** Commits changes that need no look at others: those that wait at the same time share one statement, and so one write to the disk. */
export class SharedChanges {
  private readonly calls = new SharedCalls<ToldChange, StoredResource | undefined>(
    changes => this.carryOut(changes),
    LIMITS,
  );

  constructor(private readonly context: IngressContext) {}

  /** @returns the resource as it is now, or undefined when somebody else was faster: nothing was done then */
  commit(change: ToldChange): Promise<StoredResource | undefined> {
    return this.calls.call(change);
  }

  /** Says that a change is being prepared. @returns to be called when it was handed over, or will not be */
  expect(): () => void {
    return this.calls.expect();
  }

  private async carryOut(
    changes: readonly ToldChange[],
  ): Promise<readonly (StoredResource | undefined | Promise<StoredResource | undefined>)[]> {
    if (changes.some(change => change.opens)) failpoint('opt-out.before-commit');
    if (changes.length === 1) return changes.map(change => this.alone(change));
    try {
      return await this.together(changes);
    } catch (error) {
      // Nothing of it was done; what was wrong with one of them must not be told to the others.
      if (isRefused(error)) return changes.map(change => this.alone(change));
      throw error;
    }
  }

  private async together(changes: readonly ToldChange[]): Promise<(StoredResource | undefined)[]> {
    const further = changes.some(c => c.opens) ? [standingsOpenedBy(CHANGED, changes)] : [];
    const made = await changeEachAndAppend<ChangedResource>(
      this.context.dataSource,
      changeResources(changes),
      changes.map(c => toRecord(c.event)),
      further,
    );
    failpoint('append.after-commit');
    if (further.length > 0) failpoint('opt-out.after-commit');
    const answers: (StoredResource | undefined)[] = changes.map(() => undefined);
    for (const { n, version, modifiedAt } of made)
      answers[n] = { ...changes[n]!.resource, version, modifiedAt };
    for (const { n } of made) wakeFor(this.context, changes[n]!.event);
    return answers;
  }

  private async alone({ resource, opens, event }: ToldChange): Promise<StoredResource | undefined> {
    if (!opens) return commitChange(this.context, updateOfVersion(resource), event);
    const opened = standingOpenedBy(CHANGED, opens);
    const changed = await commitChange<StoredResource>(
      this.context,
      updateOfVersionBeforeOptOut(resource),
      event,
      [opened],
    );
    failpoint('opt-out.after-commit');
    return changed;
  }
}

/** The server understood and refused: it is certain that nothing was committed. */
export const isRefused = (error: unknown): boolean =>
  error instanceof EventLogError || (databaseErrorCode(error) !== undefined && !isDatabaseUnavailable(error));
