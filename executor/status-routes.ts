import type { ActivityLog } from './activity.ts';
import { type Route, sendJson } from './router.ts';

export interface StatusFacts {
  readonly activity: ActivityLog;
  readonly languages: readonly string[];
  readonly version: string;
}

export function statusRoutes({ activity, languages, version }: StatusFacts): Route[] {
  return [
    {
      method: 'GET',
      pattern: /^\/v1\/health$/,
      open: true,
      handle: ({ response }) => {
        sendJson(response, {
          status: 'ok',
          version,
          uptimeMs: Math.round(process.uptime() * 1_000),
          languages,
        });
        return Promise.resolve();
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
