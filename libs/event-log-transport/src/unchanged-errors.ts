import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

/**
 * Filter for every app on the event log: Nest's own one turns an exception into "Internal server error", and the reason for
 * which a process ends would be lost.
 */
@Catch()
export class UnchangedErrors implements RpcExceptionFilter {
  catch(exception: unknown): Observable<never> {
    return throwError(() => exception);
  }
}
