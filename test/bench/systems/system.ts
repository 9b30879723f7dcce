/** Something that hands out sandboxes on a cluster, measured by the same code as every other. */
export interface System {
  readonly name: string;
  /** What a reader has to know beside a figure: version, flags, how it is reached, connections. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** How its programs call themselves to the API server. */
  readonly userAgents: readonly string[];
  /** The phases that mean something for it; absent: all. */
  readonly phases?: readonly string[];
  /** So many sandboxes wait to be taken when this resolves; with 0 every start is a cold one. */
  setPool(size: number): Promise<void>;
  /** Resolves once as many wait as were asked for. */
  poolIsFull(): Promise<void>;
  create(): Promise<Live>;
  /** Takes away all that it put into the cluster for the measurement. */
  close(): Promise<void>;
}

/** A sandbox that was asked for. */
export interface Live {
  /** Resolves when its own API says that it is ready; rejects when it says that it never will be. */
  readonly ready: Promise<void>;
  /** Resolves when the output of a trivial Python program came back, also if it was not ready at the call. */
  run(): Promise<void>;
  /** Names of the objects that stand for it, once it is ready. */
  objects(): readonly string[];
  remove(): Promise<void>;
}
