import type Docker from 'dockerode';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';

const dieEvent = z.object({
  Action: z.literal('die'),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
});

/** A container's end as the engine announced it. */
export interface ContainerEnd {
  readonly containerID: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface DockerEventsOptions {
  readonly docker: Docker;
  /** `key=value`; only containers with this label are heard of. */
  readonly label: string;
  readonly onEnd: (end: ContainerEnd) => void;
  /** Called each time a stream is open: whatever happened before it was not heard. */
  readonly onConnected: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RECONNECT_MS = 500;

/** Listens to the engine's events until it is closed, and connects anew whenever the stream ends. */
export class DockerEvents {
  readonly #options: DockerEventsOptions;
  readonly #stop = new AbortController();
  #cancelReconnect: () => void = () => undefined;

  constructor(options: DockerEventsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#listen().then(
      () => {
        this.#later('the stream ended');
      },
      (error: unknown) => {
        this.#later(error);
      },
    );
  }

  close(): void {
    this.#cancelReconnect();
    this.#stop.abort();
  }

  async #listen(): Promise<void> {
    const { docker, label, onConnected } = this.#options;
    const stream = await docker.getEvents({
      filters: { type: ['container'], event: ['die'], label: [label] },
      abortSignal: this.#stop.signal,
    });
    onConnected();
    for await (const line of createInterface({ input: stream })) this.#hear(line);
  }

  #hear(line: string): void {
    const event = dieEvent.safeParse(JSON.parse(line));
    if (!event.success) return;
    this.#options.onEnd({ containerID: event.data.Actor.ID, labels: event.data.Actor.Attributes });
  }

  #later(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#options.logger.warn('lost the Docker event stream; connecting again', { error });
    this.#cancelReconnect = this.#options.clock.schedule(() => {
      this.start();
    }, RECONNECT_MS);
  }
}
