import { z } from 'zod';
import { PodStartError } from './pod-runner.ts';

/** What dockerode throws: the engine's answer with its status, or the connection's failure without one. */
const failure = z.object({
  statusCode: z.number().optional(),
  message: z.string().default(''),
  json: z.object({ message: z.string() }).optional().catch(undefined),
});

/** Whether the engine answered with one of these status codes. */
export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  const status = failure.safeParse(error).data?.statusCode;
  return status !== undefined && statuses.includes(status);
}

/** For `catch`: swallows these answers of the engine, for they mean that there is nothing left to do. */
export function unless(...statuses: readonly number[]): (error: unknown) => void {
  return (error) => {
    if (!hasStatus(error, ...statuses)) throw error;
  };
}

/** The failure of a container's create or start in kubelet's words. */
export function podStartError(error: unknown, image: string): PodStartError {
  if (error instanceof PodStartError) return error;
  const { statusCode, message } = answerOf(error);
  if (statusCode === undefined) {
    const text = `the Docker engine does not answer: ${message}`;
    return new PodStartError('CreateContainerError', text, { cause: error, retryable: true });
  }
  if (statusCode === 404 && /no such image/i.test(message)) {
    return new PodStartError('ErrImagePull', missingImage(image), {
      cause: error,
      retryable: true,
    });
  }
  const code = statusCode === 400 ? 'CreateContainerConfigError' : 'RunContainerError';
  return new PodStartError(code, message, { cause: error, retryable: statusCode >= 500 });
}

function answerOf(error: unknown): { statusCode: number | undefined; message: string } {
  const parsed = failure.safeParse(error).data;
  return {
    statusCode: parsed?.statusCode,
    message: parsed?.json?.message ?? parsed?.message ?? String(error),
  };
}

function missingImage(image: string): string {
  return `image ${image} is not on this machine's Docker engine, and local runs pull none; images/build.sh builds the project's own, "docker pull ${image}" gets another`;
}
