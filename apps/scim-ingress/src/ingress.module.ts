import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { ConnectionAuth } from './auth/connection-auth.js';
import { CompletionsController } from './completions/completions.controller.js';
import { SetSigner } from './completions/set-signer.js';
import { ErrorFilter } from './error-filter.js';
import { GovernorController } from './governor/governor.controller.js';
import { LimitCommands } from './governor/limit-commands.js';
import { StagedCommands } from './governor/staged-commands.js';
import { HealthController } from './health/health.controller.js';
import { IngressContext } from './ingress-context.js';
import { OAuthController } from './oauth/oauth.controller.js';
import { TokenEndpoint } from './oauth/token-endpoint.js';
import { ApiAuthGuard } from './rest/api-auth.guard.js';
import { ConnectionCommands } from './rest/connections/connection-commands.js';
import { CredentialCommands } from './rest/connections/credential-commands.js';
import { ConnectionsController } from './rest/connections/connections.controller.js';
import { OperationsController } from './rest/operations.controller.js';
import { OptOutCommands } from './rest/opt-outs/opt-out-commands.js';
import { OptOutQueries } from './rest/opt-outs/opt-out-queries.js';
import { OptOutsController } from './rest/opt-outs/opt-outs.controller.js';
import { PersonTimelines } from './rest/people/person-timelines.js';
import { SubjectsController } from './rest/people/subjects.controller.js';
import { BulkTargets } from './scim/bulk/bulk-targets.js';
import { BulkController } from './scim/bulk/bulk.controller.js';
import { DiscoveryController } from './scim/discovery.controller.js';
import { GroupsController } from './scim/groups/groups.controller.js';
import { GroupReads } from './scim/groups/group-reads.js';
import { ListAnswers } from './scim/search/list-answers.js';
import { RefusalCount } from './scim/refusal-count.js';
import { ScimAuthGuard } from './scim/scim-auth.guard.js';
import { SearchController } from './scim/search/search.controller.js';
import { TogetherReads } from './scim/search/together-reads.js';
import { UserReads } from './scim/users/user-reads.js';
import { UsersController } from './scim/users/users.controller.js';
import { GroupWrites } from './writes/group-writes.js';
import { UserWrites } from './writes/user-writes.js';

/** Closes what requests needed, once the last one was answered. */
class Release implements OnApplicationShutdown {
  constructor(private readonly release: () => Promise<void>) {}

  onApplicationShutdown(): Promise<void> {
    return this.release();
  }
}

/** The two doors of the pipeline. */
@Module({})
export class IngressModule {
  static of(context: IngressContext, release: () => Promise<void>): DynamicModule {
    return {
      module: IngressModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [
        DiscoveryController,
        UsersController,
        GroupsController,
        SearchController,
        BulkController,
        OptOutsController,
        SubjectsController,
        OperationsController,
        GovernorController,
        ConnectionsController,
        OAuthController,
        CompletionsController,
        HealthController,
      ],
      providers: [
        { provide: IngressContext, useValue: context },
        { provide: Release, useFactory: () => new Release(release) },
        { provide: APP_FILTER, useClass: ErrorFilter },
        RefusalCount,
        ConnectionAuth,
        ScimAuthGuard,
        ApiAuthGuard,
        UserWrites,
        GroupWrites,
        UserReads,
        GroupReads,
        TogetherReads,
        ListAnswers,
        BulkTargets,
        TokenEndpoint,
        SetSigner,
        CredentialCommands,
        ConnectionCommands,
        OptOutCommands,
        OptOutQueries,
        PersonTimelines,
        StagedCommands,
        LimitCommands,
      ],
    };
  }
}
