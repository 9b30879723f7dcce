import type { ExecutorAddress } from '../../executor/client.ts';
import {
  PodStartError,
  type PodExit,
  type PodRunner,
  type RunningPod,
  type StartPod,
} from '../../local/runners/pod-runner.ts';

/** Runs nothing: containers are entries of a map that tests look at and end. */
export class FakePodRunner implements PodRunner {
  readonly name = 'docker';
  readonly isolation = 'none';
  readonly containers = new Map<string, StartPod>();
  readonly startedAt = '2026-01-01T00:00:00.000Z';
  /** Thrown by the next starts, one each. */
  readonly failures: Error[] = [];
  keptWorkspaces: ReadonlySet<string> | undefined;
  readonly #listeners: ((exit: PodExit) => void)[] = [];

  start(request: StartPod): Promise<RunningPod> {
    const failure = this.failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    const { uid } = request.pod.metadata;
    this.containers.set(uid, request);
    return Promise.resolve(this.#running(uid));
  }

  stop(podUID: string): Promise<void> {
    this.containers.delete(podUID);
    return Promise.resolve();
  }

  list(): Promise<readonly RunningPod[]> {
    return Promise.resolve([...this.containers.keys()].map((uid) => this.#running(uid)));
  }

  onExit(listener: (exit: PodExit) => void): void {
    this.#listeners.push(listener);
  }

  /** A container ends by itself. */
  end(exit: PodExit): void {
    this.containers.delete(exit.podUID);
    for (const listener of this.#listeners) listener(exit);
  }

  logs(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  address(podUID: string): ExecutorAddress {
    return { kind: 'unix', path: `/run/${podUID}` };
  }

  keepWorkspaces(workspaceIds: ReadonlySet<string>): Promise<void> {
    this.keptWorkspaces = workspaceIds;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #running(podUID: string): RunningPod {
    return { podUID, containerID: `fake://${podUID}`, startedAt: this.startedAt };
  }
}

export function missingImage(): PodStartError {
  return new PodStartError('ErrImagePull', 'image x is not there', { retryable: true });
}
