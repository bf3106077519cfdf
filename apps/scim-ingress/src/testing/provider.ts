import { expect } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readLoggedEvent } from '@sever/event-contracts';
import { rows } from '@sever/postgres';
import type { Answer, RunningIngress } from './running-ingress.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** One identity provider and what it sends. */
export class Provider {
  private constructor(
    private readonly ingress: RunningIngress,
    readonly id: string,
    readonly token: string,
  ) {}

  static async connected(ingress: RunningIngress, policy?: string, tenant?: string): Promise<Provider> {
    const id = `p-${randomUUID().slice(0, 8)}`;
    const { token } = await ingress.connect(id, tenant);
    const provider = new Provider(ingress, id, token);
    if (policy !== undefined)
      expect((await ingress.operate('PATCH', `/${id}`, { rebind: policy })).json.rebind).toBe(policy);
    return provider;
  }

  create(userName: string, externalId?: string, more: object = {}): Promise<Answer> {
    const body = {
      schemas: [USER],
      userName,
      active: true,
      ...(externalId !== undefined && { externalId }),
      ...more,
    };
    return this.ask('POST', '', body);
  }

  async created(userName: string, externalId?: string, more: object = {}): Promise<string> {
    const made = await this.create(userName, externalId, more);
    expect(made.status).toBe(201);
    return String(made.json.id);
  }

  /** Somebody who was here and left. */
  async leaver(userName: string, externalId?: string): Promise<string> {
    const id = await this.created(userName, externalId);
    await this.setActive(id, false);
    return id;
  }

  setActive(id: string, value: boolean): Promise<Answer> {
    return this.change(id, { op: 'replace', path: 'active', value });
  }

  change(id: string, operation: object): Promise<Answer> {
    return this.ask('PATCH', `/${id}`, { schemas: [PATCH_OP], Operations: [operation] });
  }

  get(id: string): Promise<Answer> {
    return this.ask('GET', `/${id}`);
  }

  remove(id: string): Promise<Answer> {
    return this.ask('DELETE', `/${id}`);
  }

  async cases(): Promise<Record<string, unknown>[]> {
    const { json } = await this.ingress.operate('GET', `/${this.id}/rebinds`);
    return json.items as Record<string, unknown>[];
  }

  decide(id: unknown, decision: string, reason = 'asked the manager'): Promise<Answer> {
    return this.ingress.operate('PUT', `/${this.id}/rebinds/${String(id)}`, { decision, reason });
  }

  /** The events of people that came from this connection. */
  async told(): Promise<{ type: string; subject: string | undefined }[]> {
    const found = await rows<{ value: Buffer }>(
      this.ingress.db.owner,
      `select value from log_record where topic = 'requests' order by ts`,
    );
    return found
      .map(({ value }) => readLoggedEvent(value))
      .filter(event => event.source === `/connections/${this.id}`)
      .map(({ type, subject }) => ({ type, subject }));
  }

  private ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const { token } = this;
    return this.ingress.ask(method, `/scim/v2/${this.id}/Users${path}`, { token, body });
  }
}
