import { Injectable } from '@nestjs/common';
import type { TimelineEntry } from '@sever/audit-store';
import { isUuid, requireTenant, subjectsByUserName } from '@sever/directory';
import { decodeEvent, instanceOf, type SeverEvent } from '@sever/event-contracts';
import { foldRequest, type RequestState } from '@sever/opt-out';
import { oneRow } from '@sever/postgres';
import { findOptOut, listOptOuts, type OptOutRecord } from '@sever/read-models';
import { normaliseUserName } from '@sever/scim';
import { HttpProblem } from '../../http-problem.js';
import { IngressContext } from '../../ingress-context.js';
import { optOutResource, type OptOutResource } from './opt-out-resource.js';
import { optOutTimelines } from './opt-out-timelines.js';

export type ListFilter = {
  tenant?: string;
  userName?: string;
  state?: string;
  limit: number;
  cursor?: string;
};

/** Opt-outs as callers of the REST door see them. */
@Injectable()
export class OptOutQueries {
  constructor(private readonly context: IngressContext) {}

  /** @throws HttpProblem 404 `opt-out.unknown` */
  async get(id: string): Promise<OptOutResource> {
    const [resource] = await this.assemble([await this.record(id)]);
    return resource!;
  }

  /** The opt-out after an event that was committed a moment ago, whether or not it is projected yet. */
  async after(event: SeverEvent): Promise<OptOutResource> {
    const [resource] = await this.assemble([await this.record(event.optoutid ?? '')], event);
    return resource!;
  }

  /** Newest first, complete objects. @throws DirectoryError `tenant.unknown` */
  async list(filter: ListFilter): Promise<{ items: OptOutResource[]; next: string | null }> {
    const { dataSource } = this.context;
    if (filter.tenant !== undefined) await requireTenant(dataSource, filter.tenant);
    const subjects =
      filter.userName === undefined
        ? undefined
        : await subjectsByUserName(dataSource, filter.tenant, normaliseUserName(filter.userName));
    const page = await listOptOuts(dataSource, {
      ...(filter.tenant !== undefined && { tenant: filter.tenant }),
      ...(subjects && { subjects }),
      ...(filter.state !== undefined && { state: filter.state }),
      ...(filter.cursor !== undefined && { cursor: filter.cursor }),
      limit: filter.limit,
    });
    return { items: await this.assemble(page.items), next: page.next };
  }

  private async record(id: string): Promise<OptOutRecord> {
    const record = isUuid(id)
      ? ((await findOptOut(this.context.dataSource, id)) ?? (await this.justAccepted(id)))
      : undefined;
    if (!record) throw new HttpProblem(404, 'opt-out.unknown', `there is no opt-out ${id.slice(0, 80)}`);
    return record;
  }

  /** @param latest is told as well when no projection has told it yet */
  private async assemble(records: readonly OptOutRecord[], latest?: SeverEvent): Promise<OptOutResource[]> {
    // Read after the records, so that an event that a record has already is never told twice.
    const lines = await optOutTimelines(
      this.context.dataSource,
      records.map(r => r.request),
    );
    return Promise.all(
      records.map(({ request, outcomes }) => {
        const timeline = lines.get(request.optOutId) ?? [];
        const isNews = latest !== undefined && !timeline.some(entry => entry.id === latest.id);
        return optOutResource(this.context, {
          request: (isNews ? foldRequest(request, latest) : undefined) ?? request,
          outcomes,
          timeline: isNews ? [...timeline, entryOf(latest)] : timeline,
        });
      }),
    );
  }

  /** An opt-out that was accepted a moment ago and is not projected yet: its own event tells enough. */
  private async justAccepted(id: string): Promise<OptOutRecord | undefined> {
    const row = await oneRow<{ value: Buffer }>(
      this.context.dataSource,
      `select r.value from standing_opt_out s join log_requests r on r.topic = 'requests' and r.event_id = s.request_event
        where s.opt_out_id = $1`,
      [id],
    );
    const request: RequestState | undefined = row && foldRequest(undefined, decodeEvent(row.value));
    return request && { request, outcomes: new Map() };
  }
}

const entryOf = (event: SeverEvent): TimelineEntry => ({
  ...{ id: event.id, type: event.type, at: event.time, actor: event.data.actor.id },
  connector: instanceOf(event) ?? null,
});
