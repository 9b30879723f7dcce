import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ActivityLog } from './activity.ts';
import { PACKAGE_INDEX_PROTOCOL, executionId, installRequest } from './contract.ts';
import type { Dependencies } from './dependencies.ts';
import { overOrWaited } from './long-poll.ts';
import type { LentIndex } from './package-index.ts';
import { readJson } from './request-body.ts';
import { type Route, accepted, sendJson } from './router.ts';

const MAX_REQUEST_BYTES = 65_536;

export function dependencyRoutes(dependencies: Dependencies, activity: ActivityLog): Route[] {
  return [
    {
      method: 'PUT',
      pattern: /^\/v1\/dependencies\/([^/]+)$/,
      handle: async (call) => {
        const id = executionId.parse(call.parts[0]);
        const request = installRequest.parse(await readJson(call.request, MAX_REQUEST_BYTES));
        const install = dependencies.install(id, request);
        activity.touch();
        await overOrWaited(install.over, call);
        activity.touch();
        if (!call.signal.aborted) sendJson(call.response, install.state);
      },
    },
  ];
}

/** The one call that is an upgrade: from then on the connection serves the package index that the control plane lends. */
export function indexUpgrade(
  index: LentIndex,
  accepts: (token: string) => Promise<boolean>,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  return (request, socket, head) => {
    // It breaks whenever the control plane restarts, and a failure that nobody listens to ends the process.
    socket.on('error', () => undefined);
    // The caller then sees the connection go, and makes it anew.
    takeOver(index, { request, socket, head }, accepts).catch(() => {
      socket.destroy();
    });
  };
}

async function takeOver(
  index: LentIndex,
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
  accepts: (token: string) => Promise<boolean>,
): Promise<void> {
  const isIndex =
    request.method === 'GET' &&
    request.url === '/v1/dependencies/index' &&
    request.headers.upgrade === PACKAGE_INDEX_PROTOCOL;
  if (!(await accepted(request, accepts))) {
    refuse(socket, '401 Unauthorized');
  } else if (!isIndex) {
    refuse(socket, '404 Not Found');
  } else {
    const answer = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${PACKAGE_INDEX_PROTOCOL}\r\n\r\n`;
    socket.write(answer);
    if (head.length > 0) socket.unshift(head);
    await index.attach(socket);
  }
}

/** Also a client that does not close its end is gone then: connections are few (listener.ts). */
function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => {
    socket.destroy();
  });
}
