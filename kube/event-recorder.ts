import { randomBytes } from 'node:crypto';
import type { KubeClient } from './client.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { EventRecorder, ObjectEvent } from './events.ts';
import type { Logger } from './logger.ts';
import { microTime } from './micro-time.ts';
import type { Draft, KubeObject, ObjectRef, ResourceType } from './objects.ts';
import { TokenBucket } from './token-bucket.ts';

/** events.k8s.io/v1 Event, as written. */
interface Event extends KubeObject {
  readonly eventTime: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly action: string;
  readonly reason: string;
  readonly type: string;
  readonly note: string;
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
}

const EVENTS: ResourceType<Event> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
};

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** For example `sandbox.ai/operator`. */
  readonly controller: string;
  /** Which process, for example the pod's name. */
  readonly instance: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** The server refuses longer ones. */
const NOTE_BYTES = 1024;
/** An equal event within this time is counted, not sent (a series, as in client-go's recorder). */
const SERIES_MS = 6 * 60_000;
/** Per object: this many at once, then one in five minutes (client-go's spam filter). */
const PER_OBJECT = { burst: 25, perSecond: 1 / 300 };
/** In all: an operator that goes mad must not take the API server with it. */
const OVERALL = { burst: 100, perSecond: 10 };
/** Waiting to be sent; more than that are dropped, for they are only of help while fresh. */
const QUEUE_LENGTH = 1_000;

interface Series {
  readonly ref: ObjectRef;
  /** By the monotonic clock. */
  readonly until: number;
  count: number;
}

/** Writes events to the API server in the background, one at a time. */
export class ApiEventRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #overall: TokenBucket;
  readonly #queue: (() => Promise<unknown>)[] = [];
  readonly #stop = new AbortController();
  #sending: Promise<void> | undefined;
  #sweptAt: number;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#sweptAt = this.#clock.monotonic();
    this.#overall = new TokenBucket(OVERALL, this.#sweptAt);
  }

  record(event: ObjectEvent): void {
    const now = this.#clock.monotonic();
    this.#sweep(now);
    const key = seriesKey(event);
    const series = this.#series.get(key);
    if (series !== undefined && now < series.until) this.#repeat(series);
    else this.#first(key, event, now);
  }

  /** Sends what waits, for at most `graceMs`; what is left by then is dropped. */
  async flush(graceMs: number): Promise<void> {
    const cancel = this.#clock.schedule(() => {
      this.#queue.length = 0;
      this.#stop.abort();
    }, graceMs);
    await this.#sending;
    cancel();
  }

  #first(key: string, event: ObjectEvent, now: number): void {
    if (!this.#bucketOf(event.regarding, now).tryTake(now) || !this.#overall.tryTake(now)) return;
    const draft = this.#draft(event);
    const ref = { namespace: draft.metadata.namespace, name: draft.metadata.name };
    this.#series.set(key, { ref, until: now + SERIES_MS, count: 1 });
    this.#send(async () => {
      try {
        await this.#options.client.create(EVENTS, draft, this.#stop.signal);
      } catch (error) {
        // Nobody was told, so its repetition is a first time again.
        this.#series.delete(key);
        throw error;
      }
    });
  }

  /** Written at each doubling of the count, so that a fast series costs a handful of writes. */
  #repeat(series: Series): void {
    series.count += 1;
    const { count, ref } = series;
    if ((count & (count - 1)) !== 0) return;
    const body = { series: { count, lastObservedTime: microTime(this.#clock.now()) } };
    const { signal } = this.#stop;
    this.#send(() => this.#options.client.patch(EVENTS, ref, { kind: 'merge', body }, { signal }));
  }

  #send(call: () => Promise<unknown>): void {
    if (this.#queue.length >= QUEUE_LENGTH) return;
    this.#queue.push(call);
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
    });
  }

  async #drain(): Promise<void> {
    for (let call = this.#queue.shift(); call !== undefined; call = this.#queue.shift()) {
      try {
        await call();
      } catch (error) {
        this.#options.logger.debug('an event could not be written', { error });
      }
    }
  }

  #draft(event: ObjectEvent) {
    const { regarding, note, ...said } = event;
    const { name, namespace, uid, resourceVersion } = regarding.metadata;
    const place = namespace === undefined ? {} : { namespace };
    const { apiVersion, kind } = regarding;
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      // Events of cluster-scoped objects live in `default`, by convention.
      metadata: { namespace: namespace ?? 'default', name: eventName(name) },
      eventTime: microTime(this.#clock.now()),
      reportingController: this.#options.controller,
      reportingInstance: this.#options.instance,
      ...said,
      note: cut(note, NOTE_BYTES),
      regarding: { apiVersion, kind, ...place, name, uid, resourceVersion },
    } satisfies Draft<Event>;
  }

  #bucketOf({ metadata: { uid } }: KubeObject, now: number): TokenBucket {
    let bucket = this.#buckets.get(uid);
    if (bucket === undefined) {
      bucket = new TokenBucket(PER_OBJECT, now);
      this.#buckets.set(uid, bucket);
    }
    return bucket;
  }

  /** Forgets series that ended, and objects of which nothing was heard for so long that a new bucket would be no fuller. */
  #sweep(now: number): void {
    if (now - this.#sweptAt < SERIES_MS) return;
    this.#sweptAt = now;
    for (const [key, series] of this.#series) if (now >= series.until) this.#series.delete(key);
    for (const [uid, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(uid);
  }
}

function seriesKey({ regarding, type, reason, action, note }: ObjectEvent): string {
  return JSON.stringify([regarding.metadata.uid, type, reason, action, note]);
}

function cut(text: string, bytes: number): string {
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(bytes)).read);
}

/** Object names have at most 253 characters. */
function eventName(regarding: string): string {
  return `${regarding.slice(0, 236)}.${randomBytes(8).toString('hex')}`;
}
