import { Body, Controller, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import { BULK_AT_ONCE_MAX, ScimError, parseBulk, runBulk, type CarryOut, type NamesOf } from '@sever/scim';
import type { FastifyReply } from 'fastify';
import { IngressContext } from '../../ingress-context.js';
import { problemOf } from '../../problem-of.js';
import { BULK_ENDPOINTS, BulkTargets } from './bulk-targets.js';
import { ScimAuthGuard, type ScimRequest } from '../scim-auth.guard.js';
import { bodyOf, send } from '../scim-exchange.js';

/** Operations that are carried out at the same time when somebody else writes too. */
const BESIDE_OTHERS = 4;

/** Many writes in one request (RFC 7644 §3.7). It is not one transaction: what was done stays done when something else is refused. */
@Controller('scim/v2/:connection/Bulk')
@UseGuards(ScimAuthGuard)
export class BulkController {
  constructor(
    private readonly context: IngressContext,
    private readonly targets: BulkTargets,
  ) {}

  @Post()
  @HttpCode(200)
  async run(@Req() request: ScimRequest, @Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { connection } = request;
    const base = this.context.scimBase(connection.id);
    const bulk = parseBulk(bodyOf(body), BULK_ENDPOINTS);
    const carryOut: CarryOut = async operation => {
      try {
        return await this.targets.carryOut(connection, base, operation);
      } catch (error) {
        throw this.answerOf(error);
      }
    };
    const namesOf: NamesOf = (endpoint, ids) => this.targets.namesOf(connection, endpoint, ids);
    send(reply, 200, await runBulk(bulk, { base, carryOut, namesOf, atOnce: () => this.atOnce() }));
  }

  /** An opt-out beside an import waits four times as long as in a quiet time when the import sends everything at once. */
  private atOnce(): number {
    return this.context.otherWrites.areExpected() ? BESIDE_OTHERS : BULK_AT_ONCE_MAX;
  }

  /** Whatever happens to one operation is its answer: what was done before stays done, and must be told. */
  private answerOf(error: unknown): ScimError {
    if (error instanceof ScimError) return error;
    const { status, detail, code } = problemOf(error, this.context.logger);
    return new ScimError(status, detail, undefined, code);
  }
}
