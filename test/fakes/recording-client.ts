import type { KubeClient } from '../../kube/client.ts';
import { ForbiddenError, InvalidError, UnavailableError } from '../../kube/errors.ts';
import type { KubeStatus } from '../../kube/errors.ts';
import type { ResourceType, KubeObject } from '../../kube/objects.ts';

export interface RecordedWrite {
  readonly verb: 'create' | 'patch' | 'replace' | 'delete';
  readonly kind: string;
  readonly name: string;
}

/** How a write fails: before it reached the server, after it did with only the answer lost, or by a word of the server. */
export type Fault = 'unavailable' | 'answerLost' | 'forbidden' | 'invalid' | 'quota';

/** A client that notes what is written through it and can break on demand. */
export class RecordingClient {
  readonly writes: RecordedWrite[] = [];
  /** Asked before each write; undefined lets it through. */
  faultFor: (write: RecordedWrite) => Fault | undefined = () => undefined;
  readonly client: KubeClient;

  constructor(inner: KubeClient) {
    const write = async <T>(note: RecordedWrite, send: () => Promise<T>): Promise<T> => {
      this.writes.push(note);
      const fault = this.faultFor(note);
      if (fault === 'unavailable') throw unavailable();
      if (fault === 'forbidden') throw new ForbiddenError(refusal(403, 'Forbidden'), FOR_GOOD);
      if (fault === 'quota') throw new ForbiddenError(outOfQuota(note.name), FOR_GOOD);
      if (fault === 'invalid') throw new InvalidError(refusal(422, 'Invalid'), FOR_GOOD);
      const answer = await send();
      if (fault === 'answerLost') throw unavailable();
      return answer;
    };
    this.client = {
      get: (type, ref, signal) => inner.get(type, ref, signal),
      list: (type, options) => inner.list(type, options),
      watch: (type, options) => inner.watch(type, options),
      create: (type, draft, signal) =>
        write(noteOf('create', type, draft.metadata.name), () => inner.create(type, draft, signal)),
      replace: (type, object, options) =>
        write(noteOf('replace', type, object.metadata.name), () =>
          inner.replace(type, object, options),
        ),
      patch: (type, ref, patch, options) =>
        write(noteOf('patch', type, ref.name), () => inner.patch(type, ref, patch, options)),
      delete: (type, ref, options) =>
        write(noteOf('delete', type, ref.name), () => inner.delete(type, ref, options)),
    };
  }

  /** The writes about objects of these names, as `verb Kind`. */
  writesTo(...names: readonly string[]): readonly string[] {
    return this.writes
      .filter(({ name }) => names.includes(name))
      .map(({ verb, kind }) => `${verb} ${kind}`);
  }
}

function noteOf(
  verb: RecordedWrite['verb'],
  { kind }: ResourceType<KubeObject>,
  name = '',
): RecordedWrite {
  return { verb, kind, name };
}

const FOR_GOOD = { retryable: false };

function refusal(code: number, reason: string): KubeStatus {
  return { code, reason, message: 'refused by the test' };
}

/** As Kubernetes 1.34 says it. */
function outOfQuota(name: string): KubeStatus {
  const amounts = 'requested: limits.cpu=1, used: limits.cpu=2, limited: limits.cpu=2';
  const message = `pods "${name}" is forbidden: exceeded quota: sandboxes, ${amounts}`;
  return { code: 403, reason: 'Forbidden', message };
}

function unavailable(): UnavailableError {
  const status = { code: 503, reason: 'ServiceUnavailable', message: 'injected by the test' };
  return new UnavailableError(status, { retryable: true });
}
