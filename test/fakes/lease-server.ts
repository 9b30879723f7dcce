import type { KubeClient } from '../../kube/client.ts';
import {
  AlreadyExistsError,
  ConflictError,
  NotFoundError,
  UnavailableError,
} from '../../kube/errors.ts';
import type { Lease } from '../../kube/lease.ts';
import type { Draft, KubeObject, ResourceType } from '../../kube/objects.ts';

const refusal = (code: number, reason: string) => ({ code, reason, message: reason });

/** `down` refuses at once, `hung` swallows requests, `mute` the answers of writes. */
export type Network = 'up' | 'down' | 'hung' | 'mute';

type Hop = (signal: AbortSignal | undefined) => Promise<void>;

/** One Lease with the API server's optimistic lock, seen by several clients of which each can be cut off. */
export class LeaseServer {
  lease: Lease | undefined;
  writes = 0;

  /** A client of its own for one candidate. */
  connect(): { client: KubeClient; network: Network } {
    const connection = {
      network: 'up' as Network,
      client: this.#client({
        reach: async (signal) => {
          signal?.throwIfAborted();
          if (connection.network === 'down') throw new UnavailableError(refusal(0, 'Down'));
          if (connection.network === 'hung') await aborted(signal);
        },
        answered: async (signal) => {
          if (connection.network === 'mute') await aborted(signal);
        },
      }),
    };
    return connection;
  }

  #client({ reach, answered }: Record<'reach' | 'answered', Hop>): KubeClient {
    const unused = (): never => {
      throw new Error('an elector does not call this');
    };
    return {
      get: async <T extends KubeObject>(
        _type: ResourceType<T>,
        _ref: unknown,
        signal?: AbortSignal,
      ) => {
        await reach(signal);
        if (this.lease === undefined) throw new NotFoundError(refusal(404, 'NotFound'));
        return typed<T>(this.lease);
      },
      create: async <T extends KubeObject>(
        _type: ResourceType<T>,
        draft: Draft<T>,
        signal?: AbortSignal,
      ) => {
        await reach(signal);
        if (this.lease !== undefined) throw new AlreadyExistsError(refusal(409, 'AlreadyExists'));
        return typed<T>(this.#store(typed<Lease>(draft)));
      },
      replace: async <T extends KubeObject>(
        _type: ResourceType<T>,
        object: T,
        options?: { signal?: AbortSignal },
      ) => {
        await reach(options?.signal);
        if (this.lease === undefined) throw new NotFoundError(refusal(404, 'NotFound'));
        if (object.metadata.resourceVersion !== this.lease.metadata.resourceVersion) {
          throw new ConflictError(refusal(409, 'Conflict'));
        }
        const stored = this.#store(object);
        await answered(options?.signal);
        return typed<T>(stored);
      },
      list: unused,
      watch: unused,
      patch: unused,
      delete: unused,
    };
  }

  #store(lease: KubeObject): Lease {
    this.writes += 1;
    this.lease = {
      ...lease,
      metadata: { ...lease.metadata, resourceVersion: String(this.writes) },
    };
    return this.lease;
  }
}

/** A client is typed per call, this server by what it holds. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
function typed<T extends KubeObject>(object: object): T {
  return object as T;
}

async function aborted(signal: AbortSignal | undefined): Promise<never> {
  signal?.throwIfAborted();
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    });
  });
}
