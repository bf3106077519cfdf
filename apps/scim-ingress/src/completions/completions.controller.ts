import {
  Body,
  Controller,
  Get,
  HttpCode,
  Post,
  Req,
  Res,
  UseGuards,
  type OnModuleDestroy,
} from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { doneCompletions, forgetCompletions, type Completion } from '@sever/directory';
import type { FastifyReply } from 'fastify';
import type { JWK } from 'jose';
import { IngressContext } from '../ingress-context.js';
import { ScimAuthGuard, type ScimRequest } from '../scim/scim-auth.guard.js';
import { bodyOf } from '../scim/scim-exchange.js';
import { completionClaims } from './completion-token.js';
import { parsePoll, type PollRequest } from './poll-request.js';
import { SetSigner } from './set-signer.js';

/** How long a poll waits for something to tell, and how often it looks. In milliseconds. */
const WAIT_MS = 25_000;
const LOOK_EVERY_MS = 500;

type Polled = { sets: Record<string, string>; moreAvailable?: true };

/** How asynchronous requests end: Security Event Tokens that a connection fetches and acknowledges (RFC 8936), and the keys that prove them. */
@Controller()
export class CompletionsController implements OnModuleDestroy {
  private isStopping = false;

  constructor(
    private readonly context: IngressContext,
    private readonly signer: SetSigner,
  ) {}

  /** Polls that wait are answered now: nobody should wait for them to end. */
  onModuleDestroy(): void {
    this.isStopping = true;
  }

  @Get('.well-known/jwks.json')
  keys(): Promise<{ keys: JWK[] }> {
    return this.signer.publicKeys();
  }

  @Post('scim/v2/:connection/SecurityEvents')
  @UseGuards(ScimAuthGuard)
  @HttpCode(200)
  async poll(
    @Req() request: ScimRequest,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Polled> {
    const asked = parsePoll(bodyOf(body));
    const { id } = request.connection;
    if (asked.ack.length > 0) await this.acknowledge(id, asked);
    void this.context.completionExpiry.beside();
    if (asked.maxEvents === 0) return { sets: {} };
    const found = await this.done(request, asked);
    // A connection that is kept would keep the process as well.
    if (this.isStopping) void reply.header('connection', 'close');
    const tokens = await Promise.all(
      found.slice(0, asked.maxEvents).map(async c => [c.jti, await this.signed(id, c)] as const),
    );
    const hasMore = found.length > asked.maxEvents;
    return { sets: Object.fromEntries(tokens), ...(hasMore && { moreAvailable: true as const }) };
  }

  /** Waits for the first one, unless that is not wanted or the client is gone. */
  private async done(request: ScimRequest, asked: PollRequest): Promise<Completion[]> {
    const until = performance.now() + (asked.returnImmediately ? 0 : WAIT_MS);
    for (;;) {
      const found = await doneCompletions(
        this.context.dataSource,
        request.connection.id,
        asked.maxEvents + 1,
      );
      if (found.length > 0 || performance.now() >= until || this.isStopping || request.raw.socket.destroyed)
        return found;
      await wait(LOOK_EVERY_MS);
    }
  }

  private async acknowledge(connection: string, { ack, errors }: PollRequest): Promise<void> {
    await forgetCompletions(this.context.dataSource, connection, ack);
    for (const err of new Set(errors.values()))
      this.context.logger.warn({ connection, err }, 'a security event was not taken by its receiver');
  }

  private signed(connection: string, completion: Completion): Promise<string> {
    const { publicUrl } = this.context.policy;
    return this.signer.sign(completionClaims(completion, publicUrl, this.context.scimBase(connection)));
  }
}
