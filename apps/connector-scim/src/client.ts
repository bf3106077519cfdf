import {
  createVendorHttp,
  failureOf,
  isReply,
  type CallFailure,
  type Ctx,
  type VendorReply,
  type VendorRequest,
} from '@sever/connector-sdk';
import { z } from 'zod';
import type { ScimSettings } from './config.js';
import { malformed } from './outcomes.js';

const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

const userSchema = z.object({
  id: z.string().min(1),
  userName: z.string(),
  active: z.boolean().optional(),
  externalId: z.string().nullish(),
  meta: z.object({ version: z.string().optional() }).optional(),
});
const groupSchema = z.object({
  id: z.string().min(1),
  displayName: z.string().optional(),
  members: z.array(z.object({ value: z.string() })).nullish(),
});
const listSchema = z.object({ totalResults: z.number().int(), Resources: z.array(z.unknown()).nullish() });

export type ScimUser = z.infer<typeof userSchema>;
export type ScimGroup = z.infer<typeof groupSchema>;
export type Page<T> = { kind: 'Page'; total: number; items: T[] };

/** A positively observed absence: 404 with a SCIM error body. */
export type Absent = { kind: 'Absent' };

/** One call per method; every answer is a value. */
export class ScimClient {
  private readonly http: (
    request: VendorRequest,
    ctx: Pick<Ctx, 'signal' | 'traceparent'>,
  ) => Promise<VendorReply | CallFailure>;

  constructor(
    private readonly settings: ScimSettings,
    secret: (reference: string) => Promise<string>,
  ) {
    this.http = createVendorHttp({
      baseUrl: settings.baseUrl,
      accept: 'application/scim+json',
      authorization: async () => `Bearer ${await secret(settings.tokenRef)}`,
    });
  }

  async readUser(
    id: string,
    ctx: Call,
  ): Promise<{ kind: 'User'; user: ScimUser; raw: Record<string, unknown> } | Absent | CallFailure> {
    const reply = await this.call({ method: 'GET', path: `/Users/${encodeURIComponent(id)}` }, ctx);
    if (!isReply(reply)) return reply;
    const parsed = userSchema.safeParse(reply.json);
    const raw = z.record(z.string(), z.unknown()).safeParse(reply.json);
    if (!parsed.success || !raw.success || parsed.data.id !== id) return malformed(reply, 'reply.not-a-user');
    return { kind: 'User', user: parsed.data, raw: raw.data };
  }

  findUsers(filter: string, ctx: Call): Promise<Page<ScimUser> | CallFailure> {
    return this.page(
      `/Users?filter=${encodeURIComponent(filter)}&startIndex=1&count=${this.settings.pageSize}`,
      userSchema,
      ctx,
    );
  }

  groups(startIndex: number, ctx: Call): Promise<Page<ScimGroup> | CallFailure> {
    return this.page(`/Groups?startIndex=${startIndex}&count=${this.settings.pageSize}`, groupSchema, ctx);
  }

  patch(
    path: string,
    operations: readonly object[],
    ctx: Call,
  ): Promise<{ kind: 'Ok'; status: number } | Absent | CallFailure> {
    return this.write(
      {
        method: 'PATCH',
        path,
        body: { schemas: [PATCH_SCHEMA], Operations: operations },
        contentType: 'application/scim+json',
      },
      ctx,
    );
  }

  put(
    path: string,
    body: Record<string, unknown>,
    ctx: Call,
  ): Promise<{ kind: 'Ok'; status: number } | Absent | CallFailure> {
    return this.write(
      {
        method: 'PUT',
        path,
        body: { schemas: [USER_SCHEMA], ...body },
        contentType: 'application/scim+json',
      },
      ctx,
    );
  }

  remove(id: string, ctx: Call): Promise<{ kind: 'Ok'; status: number } | Absent | CallFailure> {
    return this.write({ method: 'DELETE', path: `/Users/${encodeURIComponent(id)}` }, ctx);
  }

  async supportsPatch(ctx: Call): Promise<{ kind: 'Config'; patch: boolean } | CallFailure> {
    const reply = await this.call({ method: 'GET', path: '/ServiceProviderConfig' }, ctx);
    if (!isReply(reply)) return reply.kind === 'Absent' ? { kind: 'Config', patch: true } : reply;
    const parsed = z.object({ patch: z.object({ supported: z.boolean() }) }).safeParse(reply.json);
    return parsed.success
      ? { kind: 'Config', patch: parsed.data.patch.supported }
      : malformed(reply, 'reply.not-a-config');
  }

  private async page<T>(path: string, schema: z.ZodType<T>, ctx: Call): Promise<Page<T> | CallFailure> {
    const reply = await this.call({ method: 'GET', path }, ctx);
    if (!isReply(reply))
      return reply.kind === 'Absent'
        ? malformed({ status: 404, contentType: '', bytes: 0 }, 'reply.no-list')
        : reply;
    const list = listSchema.safeParse(reply.json);
    if (!list.success) return malformed(reply, 'reply.not-a-list');
    const items = z.array(schema).safeParse(list.data.Resources ?? []);
    return items.success
      ? { kind: 'Page', total: list.data.totalResults, items: items.data }
      : malformed(reply, 'reply.not-a-list');
  }

  private async write(
    request: VendorRequest,
    ctx: Call,
  ): Promise<{ kind: 'Ok'; status: number } | Absent | CallFailure> {
    await ctx.permit();
    const reply = await this.call(request, ctx);
    return isReply(reply) ? { kind: 'Ok', status: reply.status } : reply;
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

type Call = Pick<Ctx, 'signal' | 'traceparent' | 'permit'>;

function isScimError(reply: VendorReply): boolean {
  if (!/application\/(scim\+)?json/i.test(reply.contentType)) return false;
  const parsed = z.object({ schemas: z.array(z.string()) }).safeParse(reply.json);
  return parsed.success && parsed.data.schemas.includes(ERROR_SCHEMA);
}
