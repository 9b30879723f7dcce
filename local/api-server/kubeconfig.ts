import { stringify } from 'yaml';

/**
 * A kubeconfig with which kubectl reaches the server at `url`.
 * kubectl sends a bearer token over TLS only, which a server on loopback can do without; a password in the URL it sends over anything.
 */
export function kubeconfigFor(url: string, token: string): string {
  const name = 'sandbox-local';
  const server = new URL(url);
  server.username = name;
  server.password = token;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: server.href.replace(/\/$/, '') } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    'current-context': name,
  });
}
