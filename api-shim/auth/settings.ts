import type { KubeClient } from '../../kube/client.ts';
import { createAuthenticator, type Authenticate } from './authenticator.ts';
import { CallersFile, type CallersFileOptions } from './callers-file.ts';
import { TokenReviewer } from './token-review.ts';

export interface AuthenticationOptions extends CallersFileOptions {
  readonly client: KubeClient;
  /** Absent: Kubernetes tokens are not accepted. */
  readonly tokenAudience: string | undefined;
}

/** Authentication by a file of callers and, with an audience, by Kubernetes. Throws where the file cannot be used. */
export function authenticationBy(options: AuthenticationOptions): Authenticate {
  const { client, clock, tokenAudience } = options;
  const file = new CallersFile(options);
  const callers = () => file.current();
  if (tokenAudience === undefined) return createAuthenticator({ callers });
  const reviewer = new TokenReviewer({ client, clock, audience: tokenAudience });
  return createAuthenticator({
    callers,
    userOf: (token, signal) => reviewer.userOf(token, signal),
  });
}
