import type { ActivityLog } from './activity.ts';
import type { NetworkGate } from './network-gate.ts';
import { type Route, sendJson } from './router.ts';

export interface StatusFacts {
  readonly activity: ActivityLog;
  readonly languages: readonly string[];
  readonly version: string;
  readonly network: NetworkGate;
}

/** How long an answer is held back for the network to close: the control plane then learns of it at once. */
const NETWORK_PATIENCE_MS = 1_000;

export function statusRoutes({ activity, languages, version, network }: StatusFacts): Route[] {
  return [
    {
      method: 'GET',
      pattern: /^\/v1\/health$/,
      open: true,
      handle: async ({ response }) => {
        await network.closedOrAfter(NETWORK_PATIENCE_MS);
        sendJson(response, {
          status: 'ok',
          version,
          uptimeMs: Math.round(process.uptime() * 1_000),
          network: network.isClosed ? 'closed' : 'open',
          languages,
        });
      },
    },
    {
      method: 'GET',
      pattern: /^\/v1\/activity$/,
      handle: ({ response }) => {
        sendJson(response, activity.read());
        return Promise.resolve();
      },
    },
  ];
}
