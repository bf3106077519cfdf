import { randomUUID } from 'node:crypto';
import { readLoggedEvent, type SeverEvent } from '@sever/event-contracts';
import { rows } from '@sever/postgres';
import type { Answer, RunningIngress } from './running-ingress.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

const switched = (active: boolean): object => ({
  schemas: [PATCH_OP],
  Operations: [{ op: 'replace', path: 'active', value: active }],
});

/** A connection of its own with people, and the ways in which an identity provider takes them away. */
export class Storm {
  private constructor(
    private readonly ingress: RunningIngress,
    readonly connection: string,
    readonly tenant: string,
    private readonly token: string,
    /** Ids of its users. */
    readonly people: readonly string[],
  ) {}

  static async of(ingress: RunningIngress, people: number, tenant = 'acme'): Promise<Storm> {
    const connection = `c-${randomUUID().slice(0, 8)}`;
    const { token } = await ingress.connect(connection, tenant);
    const storm = new Storm(ingress, connection, tenant, token, []);
    const made = await Promise.all(
      Array.from({ length: people }, (_, i) =>
        storm.ask('POST', '/Users', { schemas: [USER], userName: storm.name(i), active: true }),
      ),
    );
    return new Storm(
      ingress,
      connection,
      tenant,
      token,
      made.map(answer => String(answer.json['id'])),
    );
  }

  /** User name of the person at this place. */
  name(at: number): string {
    return `p${at}.${this.connection}@x.example`;
  }

  ask(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.ingress.ask(method, `/scim/v2/${this.connection}${path}`, { token: this.token, body });
  }

  switch(id: string, active: boolean): Promise<Answer> {
    return this.ask('PATCH', `/Users/${id}`, switched(active));
  }

  /** One after the other. @returns the statuses of the answers */
  async patchEach(ids = this.people): Promise<number[]> {
    const statuses: number[] = [];
    for (const id of ids) statuses.push((await this.switch(id, false)).status);
    return statuses;
  }

  async deleteEach(ids = this.people): Promise<number[]> {
    const statuses: number[] = [];
    for (const id of ids) statuses.push((await this.ask('DELETE', `/Users/${id}`)).status);
    return statuses;
  }

  /** All of them in one request. @returns the statuses of its operations */
  async bulk(ids = this.people): Promise<string[]> {
    const operations = ids.map((id, i) =>
      i % 2 === 0
        ? { method: 'PATCH', path: `/Users/${id}`, data: switched(false) }
        : { method: 'DELETE', path: `/Users/${id}` },
    );
    const { json } = await this.ask('POST', '/Bulk', { schemas: [BULK], Operations: operations });
    return (json['Operations'] as { status: string }[]).map(({ status }) => status);
  }

  /** What the log tells of opt-outs of this connection's people, in its order. */
  async told(): Promise<SeverEvent[]> {
    const found = await rows<{ value: Buffer }>(
      this.ingress.db.owner,
      `select l.value from log_record l
        where l.topic = 'requests' and convert_from(l.value, 'utf8')::jsonb ->> 'subject' in
              (select subject::text from scim_resource where connection = $1) order by l.ts, l."offset"`,
      [this.connection],
    );
    return found
      .map(({ value }) => readLoggedEvent(value) as SeverEvent)
      .filter(event => event.optoutid !== undefined);
  }

  /** How many events of each type the log tells of their opt-outs. */
  async counts(): Promise<Record<string, number>> {
    const byType = Map.groupBy(await this.told(), event => event.type.split('.')[2] ?? '');
    return Object.fromEntries([...byType].map(([type, events]) => [type, events.length]));
  }
}
