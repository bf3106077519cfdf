import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Req, UseGuards } from '@nestjs/common';
import { HttpProblem } from '../http-problem.js';
import { IngressContext } from '../ingress-context.js';
import { ApiAuthGuard, type ApiRequest } from '../rest/api-auth.guard.js';
import { parseBody } from '../rest/request-bodies.js';
import { limitsBodySchema, stagedBodySchema } from './governor-bodies.js';
import { governorOverview, type GovernorOverview } from './governor-overview.js';
import { LimitCommands } from './limit-commands.js';
import { StagedCommands, type StagedDone } from './staged-commands.js';

/** The guard against mass deprovisioning: what it sees, what it holds, and from when on. */
@Controller('v1')
@UseGuards(ApiAuthGuard)
export class GovernorController {
  constructor(
    private readonly context: IngressContext,
    private readonly staged: StagedCommands,
    private readonly limits: LimitCommands,
  ) {}

  @Get('governor')
  overview(@Query('tenant') tenant: string | undefined): Promise<GovernorOverview> {
    if (!tenant) throw new HttpProblem(400, 'request.invalid', 'tenant is required');
    return governorOverview(this.context, tenant);
  }

  @Put('governor')
  async setLimits(@Req() request: ApiRequest, @Body() body: unknown): Promise<GovernorOverview> {
    const wanted = parseBody(limitsBodySchema, body);
    await this.limits.set(request.caller.principal, wanted);
    return governorOverview(this.context, wanted.tenant);
  }

  /** Approves or rejects all that wait. Without `limit` the answer comes when all of them are decided. */
  @Post('staged-opt-outs/:verdict')
  @HttpCode(200)
  async decide(
    @Req() request: ApiRequest,
    @Param('verdict') verdict: string,
    @Body() body: unknown,
  ): Promise<Omit<StagedDone, 'done'> & { approved?: number; rejected?: number }> {
    if (verdict !== 'approve' && verdict !== 'reject')
      throw new HttpProblem(404, 'route.unknown', 'staged opt-outs are approved or rejected');
    const wanted = parseBody(stagedBodySchema, body);
    const { done, ...rest } = await this.staged.decideAll(verdict, request.caller, wanted);
    return verdict === 'approve' ? { approved: done, ...rest } : { rejected: done, ...rest };
  }
}
