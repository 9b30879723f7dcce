import type { ActivityLog } from './activity.ts';
import type { FolderSizer } from './folder-size.ts';
import type { NetworkGate } from './network-gate.ts';
import { type Route, sendJson } from './router.ts';
import { readConsumption, readUsage } from './usage.ts';

export interface StatusFacts {
  readonly activity: ActivityLog;
  readonly languages: readonly string[];
  readonly version: string;
  readonly network: NetworkGate;
  readonly workspace: FolderSizer;
}

/** How long an answer is held back for the network to close: the control plane then learns of it at once. */
const NETWORK_PATIENCE_MS = 1_000;

export function statusRoutes(facts: StatusFacts): Route[] {
  const { activity, languages, version, network, workspace } = facts;
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
          usage: readConsumption(),
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
    {
      method: 'GET',
      pattern: /^\/v1\/usage$/,
      handle: async ({ response }) => {
        sendJson(response, { ...readUsage(), workspace: await workspace.size() });
      },
    },
  ];
}
