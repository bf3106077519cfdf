import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import type { SeverEvent } from '@sever/event-contracts';
import type { FastifyReply } from 'fastify';
import { StagedCommands } from '../../governor/staged-commands.js';
import { HttpProblem } from '../../http-problem.js';
import { ApiAuthGuard, type ApiRequest } from '../api-auth.guard.js';
import { streamOptOut } from './opt-out-stream.js';
import { OptOutCommands } from './opt-out-commands.js';
import { OptOutQueries } from './opt-out-queries.js';
import type { OptOutResource } from './opt-out-resource.js';
import { pageSize } from '../page-size.js';
import { operatorBodySchema, optOutBodySchema, parseBody, type OperatorBody } from '../request-bodies.js';

const STATES: ReadonlySet<string> = new Set([
  'requested',
  'staged',
  'cutting',
  'cut',
  'held',
  'purging',
  'closed',
  'restoring',
  'restored',
]);
const PAGE = { usual: 50, max: 200 };

/** The REST opt-out door. */
@Controller('v1/opt-outs')
@UseGuards(ApiAuthGuard)
export class OptOutsController {
  constructor(
    private readonly commands: OptOutCommands,
    private readonly queries: OptOutQueries,
    private readonly staged: StagedCommands,
  ) {}

  @Post()
  @HttpCode(202)
  async create(
    @Req() request: ApiRequest,
    @Body() body: unknown,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OptOutResource> {
    const id = await this.commands.request(request.caller, parseBody(optOutBodySchema, body), key);
    void reply.header('location', `/v1/opt-outs/${id}`);
    return this.queries.get(id);
  }

  @Get()
  list(
    @Query() query: Record<string, string | undefined>,
  ): Promise<{ items: OptOutResource[]; next: string | null }> {
    const { tenant, userName, state, cursor, limit } = query;
    if (state !== undefined && !STATES.has(state))
      throw new HttpProblem(400, 'request.invalid', `state must be one of ${[...STATES].join(', ')}`);
    return this.queries.list({
      limit: pageSize(limit, PAGE),
      ...(tenant !== undefined && { tenant }),
      ...(userName !== undefined && { userName }),
      ...(state !== undefined && { state }),
      ...(cursor !== undefined && { cursor }),
    });
  }

  @Get(':id')
  get(@Param('id') id: string): Promise<OptOutResource> {
    return this.queries.get(id);
  }

  @Get(':id/events')
  async events(
    @Param('id') id: string,
    @Req() request: ApiRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await streamOptOut(() => this.queries.get(id), request, reply);
  }

  @Post(':id/:action')
  @HttpCode(202)
  async act(
    @Req() request: ApiRequest,
    @Param('id') id: string,
    @Param('action') action: string,
    @Body() body: unknown,
  ): Promise<OptOutResource> {
    return this.queries.after(await this.perform(request, id, action, body));
  }

  private perform(request: ApiRequest, id: string, action: string, body: unknown): Promise<SeverEvent> {
    const parsed = (): OperatorBody => parseBody(operatorBodySchema, body);
    switch (action) {
      case 'restore':
        return this.commands.restore(request.caller, id, parsed());
      case 'retry':
        return this.commands.retry(request.caller, id, parsed());
      case 'waive':
        return this.commands.waive(request.caller, id, parsed());
      case 'hold':
        return this.commands.setHold(request.caller, id, parsed(), true);
      case 'release':
        return this.commands.setHold(request.caller, id, parsed(), false);
      case 'approve':
        return this.staged.approve(request.caller, id, parsed());
      case 'reject':
        return this.staged.reject(request.caller, id, parsed());
      default:
        throw new HttpProblem(404, 'route.unknown', 'there is no such action');
    }
  }
}
