import type { Logger } from '../../kube/logger.ts';

const nothing = (): void => undefined;

/** For clients of a measurement: what goes wrong in them shows in its figures. */
export const QUIET: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => QUIET,
};
