import { Body, Controller, Get, Header, Headers, HttpCode, Post, UseFilters } from '@nestjs/common';
import { IngressContext } from '../ingress-context.js';
import { isForm } from './form-body.js';
import { OAuthErrorFilter } from './oauth-error-filter.js';
import { oauthMetadata } from './oauth-metadata.js';
import { TokenEndpoint, type TokenAnswer } from './token-endpoint.js';

/** The token endpoint and its description. */
@Controller()
@UseFilters(OAuthErrorFilter)
export class OAuthController {
  constructor(
    private readonly context: IngressContext,
    private readonly endpoint: TokenEndpoint,
  ) {}

  @Post('oauth2/token')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  token(
    @Body() body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Headers('content-type') type: string | undefined,
  ): Promise<TokenAnswer> {
    return this.endpoint.answer(isForm(type) ? body : undefined, authorization);
  }

  @Get('.well-known/oauth-authorization-server')
  metadata(): object {
    return oauthMetadata(this.context.policy.publicUrl);
  }
}
