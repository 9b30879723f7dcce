/** How a server of either kind is treated; its data and its port stay its own throughout. */
export interface Server {
  /** Of root. */
  readonly password: string;
  kill(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}
