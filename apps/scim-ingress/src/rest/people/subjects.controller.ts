import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { isOptedOut, requireTenant } from '@sever/directory';
import { normaliseUserName } from '@sever/scim';
import { HttpProblem } from '../../http-problem.js';
import { IngressContext } from '../../ingress-context.js';
import { ApiAuthGuard } from '../api-auth.guard.js';
import { pageSize } from '../page-size.js';
import { PersonTimelines, type NamedPerson, type PersonTimeline } from './person-timelines.js';

const PAGE = { usual: 50, max: 200 };

type TimelineQuery = Partial<Record<'tenant' | 'userName' | 'subject' | 'cursor' | 'limit', string>>;

/** Questions about people: whether other doors may let them in, and what happened to them. */
@Controller('v1/subjects')
@UseGuards(ApiAuthGuard)
export class SubjectsController {
  constructor(
    private readonly context: IngressContext,
    private readonly timelines: PersonTimelines,
  ) {}

  /** @throws DirectoryError `tenant.unknown`: who asks with a mistyped name must not let everybody in */
  @Get('opted-out')
  async optedOut(
    @Query('tenant') tenant: string | undefined,
    @Query('userName') userName: string | undefined,
  ): Promise<{ optedOut: boolean; since: string | null }> {
    if (!tenant || !userName)
      throw new HttpProblem(400, 'request.invalid', 'tenant and userName are required');
    const answer = await isOptedOut(this.context.dataSource, tenant, normaliseUserName(userName));
    if (!answer.optedOut) await requireTenant(this.context.dataSource, tenant);
    return answer;
  }

  /** Everything the log knows about a person, newest first. */
  @Get('timeline')
  timeline(@Query() query: TimelineQuery): Promise<PersonTimeline> {
    return this.timelines.page(personOf(query), pageSize(query.limit, PAGE), query.cursor);
  }
}

function personOf({ tenant, userName, subject }: TimelineQuery): NamedPerson {
  if (!tenant) throw new HttpProblem(400, 'request.invalid', 'tenant is required');
  if (userName && !subject) return { tenant, named: { userName } };
  if (subject && !userName) return { tenant, named: { subject } };
  throw new HttpProblem(400, 'request.invalid', 'name the person by exactly one of userName and subject');
}
