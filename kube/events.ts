import type { KubeObject } from './objects.ts';

export type EventType = 'Normal' | 'Warning';

/** A thing worth telling the people who run `kubectl describe`. */
export interface ObjectEvent {
  readonly regarding: KubeObject;
  readonly type: EventType;
  /** CamelCase, machine readable. */
  readonly reason: string;
  /** What the controller was doing, CamelCase. */
  readonly action: string;
  readonly note: string;
}

/** Records events: deduplicated, rate limited, in the background; never fails or delays its caller. */
export interface EventRecorder {
  record(event: ObjectEvent): void;
}
