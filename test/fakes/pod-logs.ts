import type { PodLogOptions, PodLogs } from '../../kube/pod-log.ts';
import type { ObjectRef } from '../../kube/objects.ts';

/** A log that is what the test says. */
export class FakePodLogs implements PodLogs {
  /** Thrown instead of an answer. */
  failure: Error | undefined;
  pieces: readonly string[] = [];
  readonly asked: (Omit<PodLogOptions, 'signal'> & ObjectRef)[] = [];
  /** Followers that have not left. */
  followers = 0;

  podLog(ref: ObjectRef, { signal, ...options }: PodLogOptions): Promise<AsyncIterable<Buffer>> {
    this.asked.push({ ...ref, ...options });
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return Promise.resolve(this.#read(options.follow === true, signal));
  }

  async *#read(follow: boolean, signal: AbortSignal): AsyncGenerator<Buffer> {
    for (const piece of this.pieces) yield Buffer.from(piece);
    if (!follow) return;
    this.followers += 1;
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
    });
    this.followers -= 1;
  }
}
