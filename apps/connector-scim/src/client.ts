import {
  createVendorHttp,
  failureOf,
  isReply,
  type CallFailure,
  type Conflict,
  type Ctx,
  type VendorReply,
  type VendorRequest,
} from '@sever/connector-sdk';
import type { z } from 'zod';
import type { ScimSettings } from './config.js';
import { malformed, versionChanged } from './outcomes.js';
import {
  configSchema,
  groupSchema,
  isScimError,
  listSchema,
  PATCH_SCHEMA,
  userSchema,
  type ScimGroup,
  type ScimUser,
} from './resources.js';

export type Page<T> = { kind: 'Page'; total: number; items: T[] };
/** A positively observed absence: 404 with a SCIM error body. */
export type Absent = { kind: 'Absent' };
export type Written = { kind: 'Ok'; status: number };
/** What can come of a write. */
export type WriteAnswer = Written | Absent | CallFailure | Conflict;
export type Call = Pick<Ctx, 'signal' | 'traceparent' | 'permit'>;

/** How long what the service says of itself is remembered, in milliseconds. */
const CONFIG_MS = 5 * 60_000;
const MEDIA_TYPE = 'application/scim+json';

/** One call per method; every answer is a value. */
export class ScimClient {
  private readonly http: (
    request: VendorRequest,
    ctx: Pick<Ctx, 'signal' | 'traceparent'>,
  ) => Promise<VendorReply | CallFailure>;

  private config: { patch: boolean; until: number } | undefined;

  constructor(
    private readonly settings: ScimSettings,
    secret: (reference: string) => Promise<string>,
  ) {
    this.http = createVendorHttp({
      baseUrl: settings.baseUrl,
      accept: MEDIA_TYPE,
      authorization: async () => `Bearer ${await secret(settings.tokenRef)}`,
    });
  }

  async readUser(id: string, ctx: Call): Promise<{ kind: 'User'; user: ScimUser } | Absent | CallFailure> {
    const answer = await this.read(userPath(id), userSchema, ctx);
    if (answer.kind !== 'Resource') return answer;
    return answer.resource.id === id
      ? { kind: 'User', user: answer.resource }
      : malformed(answer.reply, 'reply.not-that-user');
  }

  async readGroup(
    id: string,
    ctx: Call,
  ): Promise<{ kind: 'Group'; group: ScimGroup } | Absent | CallFailure> {
    const answer = await this.read(groupPath(id), groupSchema, ctx);
    if (answer.kind !== 'Resource') return answer;
    return answer.resource.id === id
      ? { kind: 'Group', group: answer.resource }
      : malformed(answer.reply, 'reply.not-that-group');
  }

  /** A page of users from `startIndex` (from 1), all of them or those that the service says match. */
  users(filter: string | undefined, startIndex: number, ctx: Call): Promise<Page<ScimUser> | CallFailure> {
    return this.page('/Users', filter, startIndex, userSchema, ctx);
  }

  groups(startIndex: number, ctx: Call): Promise<Page<ScimGroup> | CallFailure> {
    return this.page('/Groups', undefined, startIndex, groupSchema, ctx);
  }

  /** `NotOffered`: the service has no PATCH (405, 501), whatever it says of itself. */
  async patch(
    path: string,
    operations: readonly object[],
    ctx: Call,
  ): Promise<WriteAnswer | { kind: 'NotOffered' }> {
    const body = { schemas: [PATCH_SCHEMA], Operations: operations };
    const answer = await this.write({ method: 'PATCH', path, body, contentType: MEDIA_TYPE }, ctx);
    const { code } = 'code' in answer ? answer : { code: '' };
    return code === 'vendor.http-405' || code === 'vendor.http-501' ? { kind: 'NotOffered' } : answer;
  }

  /** Replaces a resource that was read before; a version that was read must still be there. */
  put(path: string, resource: ScimUser | ScimGroup, schema: string, ctx: Call): Promise<WriteAnswer> {
    const { meta, ...attributes } = resource;
    const body = { schemas: [schema], ...attributes };
    return this.write({ method: 'PUT', path, body, contentType: MEDIA_TYPE, ifMatch: meta?.version }, ctx);
  }

  remove(id: string, ctx: Call): Promise<WriteAnswer> {
    return this.write({ method: 'DELETE', path: userPath(id) }, ctx);
  }

  /** What the service says about PATCH, asked anew after a while. Many say nothing at all: then it is tried. */
  async supportsPatch(ctx: Call): Promise<{ kind: 'Config'; patch: boolean } | CallFailure> {
    if (this.config && this.config.until > Date.now()) return { kind: 'Config', patch: this.config.patch };
    const answer = await this.read('/ServiceProviderConfig', configSchema, ctx);
    if (answer.kind === 'Transient' || answer.kind === 'RateLimited' || answer.kind === 'AuthFailed')
      return answer;
    const patch = answer.kind === 'Resource' ? answer.resource.patch.supported : true;
    this.config = { patch, until: Date.now() + CONFIG_MS };
    return { kind: 'Config', patch };
  }

  private async read<T>(
    path: string,
    schema: z.ZodType<T>,
    ctx: Call,
  ): Promise<{ kind: 'Resource'; resource: T; reply: VendorReply } | Absent | CallFailure> {
    const reply = await this.call({ method: 'GET', path }, ctx);
    if (!isReply(reply)) return reply;
    const parsed = schema.safeParse(reply.json);
    return parsed.success
      ? { kind: 'Resource', resource: parsed.data, reply }
      : malformed(reply, 'reply.not-that-resource');
  }

  private async page<T>(
    place: string,
    filter: string | undefined,
    startIndex: number,
    schema: z.ZodType<T>,
    ctx: Call,
  ): Promise<Page<T> | CallFailure> {
    const query = new URLSearchParams({
      ...(filter !== undefined && { filter }),
      startIndex: String(startIndex),
      count: String(this.settings.pageSize),
    });
    const path = `${place}?${query.toString().replaceAll('+', '%20')}`;
    const answer = await this.read(path, listSchema, ctx);
    // A list belongs to nobody in particular: who may not read it has the wrong rights for everybody.
    if (answer.kind === 'Forbidden')
      return {
        kind: 'AuthFailed',
        code: 'rights.missing',
        help: 'give the token of this instance the right to read users and groups',
        evidence: answer.evidence,
      };
    if (answer.kind === 'Absent')
      return malformed({ status: 404, contentType: '', bytes: 0 }, 'reply.no-list');
    if (answer.kind !== 'Resource') return answer;
    const items = (answer.resource.Resources ?? []).map(item => schema.safeParse(item));
    return items.every(item => item.success)
      ? { kind: 'Page', total: answer.resource.totalResults, items: items.map(item => item.data) }
      : malformed(answer.reply, 'reply.not-a-list');
  }

  private async write(request: VendorRequest, ctx: Call): Promise<WriteAnswer> {
    await ctx.permit();
    const reply = await this.call(request, ctx);
    if (isReply(reply)) return { kind: 'Ok', status: reply.status };
    return reply.kind === 'Malformed' && reply.code === 'vendor.http-412' ? versionChanged : reply;
  }

  /** A reply in the 2xx range that speaks SCIM, an absence that says so, or a failure. */
  private async call(request: VendorRequest, ctx: Call): Promise<VendorReply | Absent | CallFailure> {
    const isWrite = request.method !== 'GET';
    const reply = await this.http(request, ctx);
    if (!isReply(reply)) return reply;
    const failure = failureOf(reply, isWrite);
    if (failure) return failure;
    if (reply.status === 404)
      return isScimError(reply) ? { kind: 'Absent' } : malformed(reply, 'reply.unproven-404');
    if (reply.status < 200 || reply.status > 299) return malformed(reply, `vendor.http-${reply.status}`);
    const silent = reply.status === 204 || reply.bytes === 0;
    if (!silent && reply.json === undefined) return malformed(reply, 'reply.not-json');
    if (silent && !isWrite) return malformed(reply, 'reply.empty');
    return isScimError(reply) ? malformed(reply, 'reply.error-with-2xx') : reply;
  }
}

export const userPath = (id: string): string => `/Users/${encodeURIComponent(id)}`;
export const groupPath = (id: string): string => `/Groups/${encodeURIComponent(id)}`;
