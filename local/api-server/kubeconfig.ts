import { stringify } from 'yaml';

/**
 * A kubeconfig with which kubectl and client-node reach the server at `url`.
 * kubectl sends a bearer token over TLS only, which a server on loopback can do without; a password in the URL it sends over anything.
 * client-node sends the token, but takes a plain http:// server only if told not to verify its certificate.
 */
export function kubeconfigFor(url: string, token: string): string {
  const name = 'sandbox-local';
  const server = new URL(url);
  server.username = name;
  server.password = token;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: { server: server.href.replace(/\/$/, ''), 'insecure-skip-tls-verify': true },
      },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    'current-context': name,
  });
}
